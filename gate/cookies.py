"""Cookies as each place wants them: on this machine, by https, and inside the frame of a Space."""

from starlette.datastructures import Headers

_LONGEST = 4096


class Cookies:
    """`framed`: the page stands in a frame of another site, which a Space does. Such a cookie is
    kept apart for each site that frames it, so that no other one can make use of it."""

    def __init__(self, *, framed: bool = False) -> None:
        self._framed = framed

    def read(self, headers: Headers, name: str, *, https: bool) -> str:
        wanted = self._name(name, https)
        for pair in "; ".join(headers.getlist("cookie")).split(";"):
            key, _, value = pair.strip().partition("=")
            if key == wanted:
                return value[:_LONGEST].strip('"')
        return ""

    def written(self, name: str, value: str, life_s: int, *, https: bool) -> str:
        """A Set-Cookie header, by hand: http.cookies does not know Partitioned before Python 3.14."""
        head = f"{self._name(name, https)}={value}; Max-Age={life_s}; Path=/; HttpOnly"
        if self._framed:
            return f"{head}; SameSite=None; Secure; Partitioned"
        return f"{head}; SameSite=Lax" + ("; Secure" if https else "")

    def _name(self, name: str, https: bool) -> str:
        # By this name browsers take it from this very host alone, and from none of its neighbours.
        return f"__Host-{name}" if https or self._framed else name
