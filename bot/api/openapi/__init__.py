"""The OpenAPI document, made from the declared endpoints and the types of what they take and answer."""

from bot.api.openapi.document import Document, described

__all__ = ["Document", "described"]
