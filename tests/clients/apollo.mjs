// Apollo Client: HttpLink, and GraphQLWsLink for subscriptions.
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { authorization, drive, socketUrl, url } from "./drive.mjs";

const http = new HttpLink({ uri: url, headers: { authorization } });
const socket = new GraphQLWsLink(
  createClient({ url: socketUrl, webSocketImpl: WebSocket, connectionParams: { authorization } }),
);
const client = new ApolloClient({
  cache: new InMemoryCache(),
  link: ApolloLink.split(({ operationType }) => operationType === "subscription", socket, http),
});

await drive({
  async ask(text, variables) {
    const document = gql(text);
    const isMutation = document.definitions[0].operation === "mutation";
    const { data } = await (isMutation ? client.mutate({ mutation: document, variables }) : client.query({ query: document, variables }));
    return data;
  },
  watch: (text, variables, next) =>
    new Promise((complete, error) =>
      client.subscribe({ query: gql(text), variables }).subscribe({ next: ({ data }) => next(data), complete, error })),
});
