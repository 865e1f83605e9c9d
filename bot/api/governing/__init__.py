"""What governs: questions to people, spend and its limits, and what the policy said."""
