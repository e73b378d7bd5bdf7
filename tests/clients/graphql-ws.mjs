// graphql-ws alone: queries, mutations and subscriptions over one socket.
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { authorization, drive, socketUrl } from "./drive.mjs";

const client = createClient({ url: socketUrl, webSocketImpl: WebSocket, connectionParams: { authorization } });

await drive({
  ask: (query, variables) =>
    new Promise((complete, error) => client.subscribe({ query, variables }, { next: ({ data }) => complete(data), complete() {}, error })),
  watch: (query, variables, next) =>
    new Promise((complete, error) => client.subscribe({ query, variables }, { next: ({ data }) => next(data), complete, error })),
});
