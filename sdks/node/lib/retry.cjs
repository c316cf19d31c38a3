"use strict";
// Is another try worth it, and after how long? Pure: an error, a count and a random number in, seconds out.
// That a repeated POST can't place a second call is the Idempotency-Key's work (client.cjs).

const FIRST_PAUSE_S = 0.5;
const LONGEST_PAUSE_S = 8;
// A server that asks for more patience than this gets none: the caller decides.
const LONGEST_RETRY_AFTER_S = 60;

/**
 * Seconds to wait before trying again, or null where trying again is of no use.
 *
 * `tries` counts those already made, `retries` those allowed after the first. `chance`, in [0, 1), spreads
 * the pause over its upper half so that clients that failed together don't return together.
 */
function pauseBeforeNextTry(error, tries, retries, chance) {
  if (tries > retries || !error.retryable) return null;
  const longest = Math.min(FIRST_PAUSE_S * 2 ** (tries - 1), LONGEST_PAUSE_S);
  const pause = longest * (0.5 + 0.5 * chance);
  if (error.retryAfter === null) return pause;
  return error.retryAfter > LONGEST_RETRY_AFTER_S ? null : Math.max(pause, error.retryAfter);
}

module.exports = { pauseBeforeNextTry };
