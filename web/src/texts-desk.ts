// What the script says on the desk's pages.

export const texts = {
  lost: (last: string) => `Too late: ${last}. Nothing was recorded.`,
  otherAct: "The board's draft is not the act on this page: your wallet was not asked to sign. Reload the page.",
  rationale: (count: number) => `The rationale has ${count} characters, expected 10 to 500.`,
  noReason: "Say why you refuse it.",
  passedOver: "This now passes over another order: reload the page, look at it, and say in the rationale why it is passed over.",
  approved: "The approval is recorded.",
  refused: "The refusal is recorded. Both orders are free again.",
  asked: "The settlement is requested.",
  releaseReason: "Enter a reason of 1 to 32 plain characters.",
  released: "Both orders are released.",
  elsewhere: "With a key outside this browser: sign the typed data within 15 minutes, then paste the signature. For example:",
  download: "Download the typed data",
  digest: "The digest, which the device shows as the hash:",
  pasted: "The signature",
  send: "Send it",
  badSignature: "Paste the whole signature: 0x and hexadecimal digits.",
};
