"use strict";

// Statuses after which a call changes no more.
const TERMINAL_STATUSES = Object.freeze(["completed", "no_answer", "voicemail", "declined", "failed"]);

const OTHER_NAME = { id: "callId", callId: "id" };

/** The record the server sent, given the other name of its id where only one came. */
function asRecord(body) {
  for (const [name, other] of Object.entries(OTHER_NAME)) {
    if (body[name] === undefined && typeof body[other] === "string") {
      // Not enumerable: the record still equals, and is written as, what came.
      Object.defineProperty(body, name, { value: body[other], enumerable: false });
    }
  }
  return body;
}

module.exports = { TERMINAL_STATUSES, asRecord };
