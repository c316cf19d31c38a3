"use strict";

const { Client, DEFAULT_BASE_URL } = require("./lib/client.cjs");
const { ByoursideError, mapError } = require("./lib/errors.cjs");
const { TERMINAL_STATUSES } = require("./lib/records.cjs");
const { verifyStandardWebhook, verifyWebhook } = require("./lib/webhooks.cjs");
const { VERSION } = require("./lib/version.cjs");

module.exports = {
  ByoursideError,
  Client,
  DEFAULT_BASE_URL,
  TERMINAL_STATUSES,
  VERSION,
  mapError,
  verifyStandardWebhook,
  verifyWebhook,
};
