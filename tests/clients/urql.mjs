// urql: fetchExchange, and graphql-ws through subscriptionExchange.
import { Client, fetchExchange, subscriptionExchange } from "@urql/core";
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { authorization, drive, socketUrl, url } from "./drive.mjs";

const socket = createClient({ url: socketUrl, webSocketImpl: WebSocket, connectionParams: { authorization } });
const client = new Client({
  url,
  preferGetMethod: false,
  fetchOptions: { headers: { authorization } },
  exchanges: [
    fetchExchange,
    subscriptionExchange({
      forwardSubscription: ({ query, variables }) => ({
        subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query: query ?? "", variables }, sink) }),
      }),
    }),
  ],
});

await drive({
  async ask(text, variables) {
    const isMutation = text.startsWith("mutation");
    const { data, error } = await (isMutation ? client.mutation(text, variables) : client.query(text, variables ?? {}));
    if (error) throw error;
    return data;
  },
  watch: (text, variables, next) =>
    new Promise((complete, error) => {
      let last;
      const { unsubscribe } = client.subscription(text, variables).subscribe((result) => {
        if (result.error) error(result.error);
        if (result.data && result.data !== last) next((last = result.data));
        if (result.data?.planProgress.status === "SENT") { unsubscribe(); complete(); }
      });
    }),
});
