"""What the engine answers when it cannot: one exception, drawn in OpenAI's error shape."""

INSTALL = "python -m pip install -r requirements-offline.txt"


class ApiError(Exception):
    """`message` is for the person who reads it; `status` is the HTTP status it is sent with."""

    def __init__(
        self, status: int, message: str, *, code: str | None = None, param: str | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.param = param

    def body(self) -> dict[str, object]:
        kind = "invalid_request_error" if self.status < 500 else "server_error"
        error = {"message": self.message, "type": kind, "param": self.param, "code": self.code}
        return {"error": error}


def bad_request(message: str, param: str | None = None) -> ApiError:
    return ApiError(400, message, param=param)


def sense_missing(sense: str, package: str) -> ApiError:
    message = (
        f"Offline {sense} is not installed here ({package} is missing). To add it, run: {INSTALL}."
    )
    return ApiError(501, message, code="sense_not_installed")
