// The order as a wallet signs it: the contract's ten fields. Its id is computed here, from what is on the page.

import { type Kind, type Typed, digest, json, seconds } from "./typed";

/** The order as the API gives it. */
export interface Order {
  chain_id: number;
  contract: string;
  owner: string;
  side: "bid" | "ask";
  security: string;
  payment: string;
  quantity: string;
  limit_total: string;
  expiry: string;
  epoch: number;
  counterparty: string;
  board_ref: string;
}

const KIND: Kind = {
  domain: "DvP Settlement",
  name: "Order",
  fields: [
    ["owner", "address"],
    ["side", "uint8"],
    ["security", "address"],
    ["payment", "address"],
    ["quantity", "uint256"],
    ["limitTotal", "uint256"],
    ["expiry", "uint64"],
    ["epoch", "uint64"],
    ["counterparty", "address"],
    ["boardRef", "bytes32"],
  ],
};

/** The order's members as the contract names and encodes them. */
const typed = (order: Order): Typed => ({
  kind: KIND,
  chainId: order.chain_id,
  contract: order.contract,
  values: {
    owner: order.owner,
    side: order.side === "bid" ? "0" : "1",
    security: order.security,
    payment: order.payment,
    quantity: order.quantity,
    limitTotal: order.limit_total,
    expiry: seconds(order.expiry).toString(),
    epoch: String(order.epoch),
    counterparty: order.counterparty,
    boardRef: order.board_ref,
  },
});

/** The order's id, which is signed. */
export const idOf = (order: Order): string => digest(typed(order));

/** The order as wallets accept it. */
export const typedData = (order: Order): object => json(typed(order));
