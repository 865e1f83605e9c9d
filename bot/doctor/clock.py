"""How far two clocks may be apart."""

from bot.doctor.finding import Finding, broken, ok, warning

_ODD, _BROKEN = 5.0, 60.0  # seconds
_REMEDY = "let this machine keep time by NTP"


def skew_finding(check: str, ahead: float) -> Finding:
    """Judge how many seconds our clock is ahead of another: Slack's signatures last minutes, our leases seconds."""
    told = f"our clock is {abs(ahead):.0f} s {'ahead' if ahead > 0 else 'behind'}"
    if abs(ahead) > _BROKEN:
        return broken(check, told, _REMEDY)
    return warning(check, told, _REMEDY) if abs(ahead) > _ODD else ok(check, "it agrees with ours")
