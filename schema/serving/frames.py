"""WebSocket frames of which no message comes: whoever sends them without end must not fill the memory."""

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame


class Frames(WebSocketsSansIOProtocol):
    """uvicorn's WebSockets, which stop reading at a message that waits, but neither at a ping nor at a part."""

    def handle_ping(self) -> None:
        """Answer a ping, unless the answers to those before it wait to be taken (RFC 6455 §5.5.3 owes one to the last)."""
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()

    def handle_cont(self, event: Frame) -> None:
        """Keep a part of a message, unless it is empty: those that are not are as many as a message has bytes."""
        if event.data or event.fin:
            super().handle_cont(event)
