// A real HTTP server on 127.0.0.1 that answers by a script and remembers what it was asked.
import { createServer } from "node:http";

export class ScriptedServer {
  constructor(...answers) {
    this.answers = answers;
    this.asked = [];
    this.server = createServer((request, response) => this.#serve(request, response));
  }

  static async run(answers, story) {
    const server = new ScriptedServer(...answers);
    await new Promise((resolve) => server.server.listen(0, "127.0.0.1", resolve));
    try {
      return await story(server);
    } finally {
      server.server.closeAllConnections();
      await new Promise((resolve) => server.server.close(resolve));
    }
  }

  get url() {
    return `http://127.0.0.1:${this.server.address().port}`;
  }

  async #serve(request, response) {
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    const text = Buffer.concat(pieces).toString();
    this.asked.push({
      method: request.method,
      path: request.url,
      headers: request.headers,
      body: text ? JSON.parse(text) : undefined,
    });
    const answer = this.answers.length > 1 ? this.answers.shift() : this.answers[0];
    if (answer.hangs) return;
    if (answer.drops) {
      request.socket.destroy();
      return;
    }
    response.writeHead(answer.status ?? 200, answer.headers);
    if (answer.breaksOff) {
      response.write(answer.raw, () => response.destroy());
      return;
    }
    response.end(answer.raw ?? JSON.stringify(answer.body));
  }
}

export const json = (body, status = 200, headers = {}) => ({
  status,
  body,
  headers: { "Content-Type": "application/json", ...headers },
});
