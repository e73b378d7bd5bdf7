"""The ways operations come and answers go: HTTP, server-sent events and WebSocket; and what is served beside them."""
