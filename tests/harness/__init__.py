"""What the rooms of the tests share. Which helper is for what:

| you want | take |
|---|---|
| the service | fixtures `server` (one a module), `start_server(env, ...)`; else `service.Server` |
| to ask it something | `answers.chat` reads to the end, `answers.posting` and `joining` as it arrives |
| short ways to use its API | `api`: one message, stored texts, errors of the right shape, a small image |
| the service on a scripted emulator, and what that was asked | `world.start_world`; fixture `world` in tests/turn |
| the emulator alone, over its published clients or as bytes | `emulator.emulating` |
| a model API that the test drives, word by word | `model.Upstream` |
| a model API that breaks HTTP | `raw_model.RawUpstream` |
| to know whether any chat template takes a request | `strictest`; every server is held to it |
| what is stored, seen from outside, or a folder with nothing in it | `data_folder` |
| what is counted and measured | `metrics.scrape` |
| a PostgreSQL server, and a schema | `postgres.postgres`: `schema()`, or `new_schema()` where no tables are made yet |
| a pooler before it | `pgbouncer.pooled` |
| to see each statement that a process sends, or to cut one off | `postgres_proxy.Proxy` |
| a wall clock that jumps | `clock.Clock` |
| something to become true | `waiting.until` |
| fewer random examples in the quick run | `examples.examples` |
| `mockbackend mock` as a process | `tests.server.mocking`; as users have it, fixtures `mock_backend` and `mock_azure` |
| a command that ends | `processes.run`; without a process `tests.server.commands.run_here` |
| to know what an import imports | `unimported`, as the module of `processes.run` |
| a process of another kind, its environment, a free port | `processes` |
| to run the tests in several processes | `pytest --workers N`: `workers` |
| an HTTP client | `Server.client`, or one of httpx2 made with `http_client.PLAIN` |

Servers and commands are forked from a process that has imported the service once, and made what a first turn makes
(`preloaded`), unless `fresh=True`. A server takes 0.05 CPU seconds until it answers: the tests of a module share one.
Those with settings of their own cannot; those that teach a service what a model API refuses share one that forgets it
(fixture `unlearned` in tests/upstream).
"""
