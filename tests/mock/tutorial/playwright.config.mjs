process.env.MOCK_URL = "http://127.0.0.1:8010";

const login = { BACKEND_URL: process.env.MOCK_URL, BACKEND_AUTH_USERNAME: "mock", BACKEND_AUTH_PASSWORD: "mock" };
const gracefulShutdown = { signal: "SIGTERM", timeout: 5000 };

export default {
  webServer: [
    { command: "mockbackend mock --port 8010", url: "http://127.0.0.1:8010/readyz", gracefulShutdown },
    { command: "node server.mjs", url: "http://localhost:3000", env: login },
  ],
  use: { baseURL: "http://localhost:3000" },
};
