"""HTTP client that neither stores nor sends cookies, as other clients of registries."""

import httpx


class _NoCookies(httpx.Cookies):
    def extract_cookies(self, response: httpx.Response) -> None:
        """Store nothing."""

    def set_cookie_header(self, request: httpx.Request) -> None:
        """Send nothing."""


class CookielessClient(httpx.AsyncClient):
    """A tenth of the CPU time of a request was the search for cookies in its answer, which costs a parse of the URL."""

    _none = _NoCookies()

    @property
    def cookies(self) -> httpx.Cookies:
        """No cookies."""
        return self._none

    @cookies.setter
    def cookies(self, _: object) -> None:
        """Ignore them."""
