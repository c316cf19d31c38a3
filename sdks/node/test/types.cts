// The same types for `require`. Compiled and never run.
import byourside = require("byourside");

const client: byourside.Client = new byourside.Client({ apiKey: "bys_ak_x" });
// @ts-expect-error the key is called apiKey
new byourside.Client({ key: "bys_ak_x" });
export const asked: Promise<byourside.CallRecord> = client.getCall("c1");
