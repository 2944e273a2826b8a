// What the desk's pages say by script.

export const texts = {
  lost: (last: string) => `Too late: ${last}. Nothing was recorded.`,
  otherAct: "The board drafted another act than the one on this page: your wallet is not asked. Reload the page.",
  rationale: (count: number) => `The rationale has ${count} characters, 10 to 500 are wanted.`,
  noReason: "Say why you refuse it.",
  passedOver: "Another order would be passed over by now: reload the page, look at it, and say in the rationale why it stays behind.",
  approved: "The approval is recorded.",
  refused: "The refusal is recorded. Both orders are free again.",
  asked: "The settlement is asked for.",
  releaseReason: "Write a reason of 1 to 32 plain characters.",
  released: "Both orders are released.",
  elsewhere: "With a key that this browser does not reach: sign the typed data within 15 minutes, then paste the signature. For instance:",
  download: "Download the typed data",
  digest: "The digest, which the device shows as the hash:",
  pasted: "The signature",
  send: "Send it",
  badSignature: "Paste the whole signature: 0x and hexadecimal digits.",
};
