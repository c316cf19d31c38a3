// The same objects as `require("byourside")` gives: an error thrown by one is an instance for the other.
import byourside from "./index.cjs";

export const {
  ByoursideError,
  Client,
  DEFAULT_BASE_URL,
  TERMINAL_STATUSES,
  VERSION,
  mapError,
  verifyStandardWebhook,
  verifyWebhook,
} = byourside;
export default byourside;
