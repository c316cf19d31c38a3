"use strict";
// Where a recording is put: whole, or not at all.

const fs = require("node:fs/promises");
const { ByoursideError } = require("./errors.cjs");

/** Write a Response's body to `path` and return its size; where it breaks off, the path is left as it was. */
async function keepWhole(response, path, isAlive) {
  // Beside the target, so that the last step is a rename within one file system.
  const unfinished = `${path}.part`;
  let size = 0;
  try {
    const out = await local(fs.open(unfinished, "w"));
    try {
      for await (const chunk of response.body) {
        isAlive();
        await local(out.write(chunk));
        size += chunk.length;
      }
    } finally {
      await out.close();
    }
    const promised = response.headers.get("content-length");
    if (promised !== null && Number(promised) !== size) {
      throw new ByoursideError("network_error", 0, `The connection broke after ${size} of ${promised} bytes.`);
    }
    await local(fs.rename(unfinished, path));
  } catch (fault) {
    await fs.rm(unfinished, { force: true });
    throw fault;
  }
  return size;
}

/** A fault of this machine's files is the caller's to see as it is, and no reason to ask the server again. */
async function local(work) {
  try {
    return await work;
  } catch (fault) {
    fault.isLocal = true;
    throw fault;
  }
}

module.exports = { keepWhole };
