"""The schema's steps, in the order in which they are taken."""

from __future__ import annotations

import re

# Every table of users' data names the user, so that it can be split by user one day. Ids are compared byte by byte.
MIGRATIONS = (
    """
    -- A process lives as long as its row is renewed. `host`, `pid` and `started` let others of its host look for it.
    CREATE TABLE processes (
        id text COLLATE "C" PRIMARY KEY,
        host text NOT NULL,
        pid integer NOT NULL,
        started text NOT NULL,
        alive_until timestamptz NOT NULL
    );
    CREATE TABLE service (
        name text PRIMARY KEY,
        value text NOT NULL
    );

    CREATE TABLE conversations (
        id text COLLATE "C" PRIMARY KEY,
        userid text COLLATE "C" NOT NULL,
        title text NOT NULL,
        casefolded_title text NOT NULL,
        is_pinned boolean NOT NULL DEFAULT FALSE,
        created_at bigint NOT NULL,
        updated_at bigint NOT NULL,
        message_count integer NOT NULL DEFAULT 0,
        version integer NOT NULL DEFAULT 0,
        deleted_at bigint
    ) WITH (fillfactor = 80);
    CREATE INDEX conversations_listing ON conversations (userid, is_pinned DESC, updated_at DESC, id DESC)
        WHERE deleted_at IS NULL;
    CREATE INDEX conversations_hidden ON conversations (id) WHERE deleted_at IS NOT NULL;

    -- `body` is a message as JSON, `said` its words in one case, for search.
    CREATE TABLE messages (
        conversation_id text COLLATE "C" NOT NULL,
        position integer NOT NULL,
        userid text COLLATE "C" NOT NULL,
        body bytea NOT NULL,
        said text NOT NULL,
        PRIMARY KEY (conversation_id, position)
    );

    -- One that is over stays for a moment, for those who follow it. `generation` counts its owners.
    CREATE TABLE turns (
        turn_id text COLLATE "C" PRIMARY KEY,
        conversation_id text COLLATE "C" NOT NULL,
        userid text COLLATE "C" NOT NULL,
        message_id text NOT NULL,
        owner text COLLATE "C" NOT NULL,
        generation bigint NOT NULL DEFAULT 0,
        started_at bigint NOT NULL,
        framing text NOT NULL,
        base_length integer NOT NULL,
        new_count integer NOT NULL,
        new_messages bytea NOT NULL,
        stop_requested boolean NOT NULL DEFAULT FALSE,
        over_at timestamptz
    ) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
    CREATE UNIQUE INDEX turns_running ON turns (conversation_id) WHERE over_at IS NULL;
    CREATE INDEX turns_of ON turns (userid) WHERE over_at IS NULL;
    CREATE INDEX turns_stopping ON turns (owner) WHERE stop_requested AND over_at IS NULL;
    CREATE INDEX turns_over ON turns (over_at) WHERE over_at IS NOT NULL;
    -- What a turn has said: each row keeps the first bytes of the log before it and goes on from there.
    CREATE TABLE turn_logs (
        turn_id text COLLATE "C" NOT NULL,
        number bigint NOT NULL,
        userid text COLLATE "C" NOT NULL,
        kept integer NOT NULL,
        data bytea NOT NULL,
        PRIMARY KEY (turn_id, number)
    ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

    -- The bytes of images and files. What is large stays uncompressed: most of it is compressed already.
    CREATE TABLE pieces (
        blob_id text COLLATE "C" NOT NULL,
        number integer NOT NULL,
        userid text COLLATE "C" NOT NULL,
        data bytea NOT NULL,
        PRIMARY KEY (blob_id, number)
    );
    ALTER TABLE pieces ALTER COLUMN data SET STORAGE EXTERNAL;
    -- `maker` is the process that made the image, until a settled message holds it.
    CREATE TABLE images (
        token text COLLATE "C" PRIMARY KEY,
        conversation_id text COLLATE "C" NOT NULL,
        userid text COLLATE "C" NOT NULL,
        media_type text NOT NULL,
        created_at bigint NOT NULL,
        maker text COLLATE "C"
    );
    CREATE INDEX images_of ON images (conversation_id);
    CREATE INDEX images_unsettled ON images (maker) WHERE maker IS NOT NULL;

    -- Blobs that a process is receiving, and no row of `files` names yet.
    CREATE TABLE uploads (
        blob_id text COLLATE "C" PRIMARY KEY,
        userid text COLLATE "C" NOT NULL,
        receiver text COLLATE "C" NOT NULL
    );
    -- One without a blob has failed; `worker` is the process that indexes it.
    CREATE TABLE files (
        number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        id text COLLATE "C" NOT NULL UNIQUE,
        userid text COLLATE "C" NOT NULL,
        name text NOT NULL,
        kind text NOT NULL,
        media_type text NOT NULL,
        size bigint NOT NULL,
        digest bytea,
        blob_id text COLLATE "C",
        status text NOT NULL,
        done integer NOT NULL DEFAULT 0,
        total integer NOT NULL DEFAULT 0,
        error text,
        created_at bigint NOT NULL,
        worker text COLLATE "C",
        claim text,
        indexed_by text COLLATE "C",
        claimed_at timestamptz,
        deleted_at bigint
    );
    CREATE UNIQUE INDEX files_content ON files (userid, digest) WHERE digest IS NOT NULL AND deleted_at IS NULL;
    CREATE INDEX files_listing ON files (userid, created_at DESC, number DESC);
    CREATE INDEX files_claimed ON files (userid, claimed_at);
    CREATE INDEX files_queued ON files (created_at) WHERE status = 'queued';
    CREATE INDEX files_held ON files (worker) WHERE worker IS NOT NULL;
    CREATE INDEX files_hidden ON files (number) WHERE deleted_at IS NOT NULL;

    -- The version is counted up by every change of what can be found of the owner, in any process.
    CREATE TABLE passage_owners (
        number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        userid text COLLATE "C" NOT NULL UNIQUE,
        version bigint NOT NULL DEFAULT 0
    );
    CREATE TABLE passage_files (
        number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        file_id text COLLATE "C" NOT NULL UNIQUE,
        owner bigint NOT NULL,
        userid text COLLATE "C" NOT NULL,
        name text,
        staging text NOT NULL,
        -- NULL until all passages are there, and again once the file is being forgotten.
        passage_count integer,
        -- This many passages, from the first, have their postings.
        indexed_count integer NOT NULL DEFAULT 0,
        -- Whether it shall be findable, and whether it is.
        wanted boolean NOT NULL DEFAULT FALSE,
        published boolean NOT NULL DEFAULT FALSE,
        -- Lengths of the passages in characters, 32 bits each.
        lengths bytea
    );
    CREATE INDEX passage_files_of ON passage_files (owner);
    CREATE TABLE passages (
        file bigint NOT NULL,
        position integer NOT NULL,
        userid text COLLATE "C" NOT NULL,
        text text NOT NULL,
        place text NOT NULL,
        heading text NOT NULL,
        PRIMARY KEY (file, position)
    );
    -- Unit vectors, 16 bits a number.
    CREATE TABLE vectors (
        file bigint NOT NULL,
        position integer NOT NULL,
        userid text COLLATE "C" NOT NULL,
        vector bytea NOT NULL,
        PRIMARY KEY (file, position)
    );
    ALTER TABLE vectors ALTER COLUMN vector SET STORAGE EXTERNAL;
    -- The sign bits of vectors that were stored together.
    CREATE TABLE signs (
        number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        file bigint NOT NULL,
        userid text COLLATE "C" NOT NULL,
        dimension integer NOT NULL,
        positions bytea NOT NULL,
        bits bytea NOT NULL
    );
    CREATE INDEX signs_of ON signs (file);
    -- The rotation of the vectors of a dimension before their signs are taken. It is made once.
    CREATE TABLE rotations (
        dimension integer PRIMARY KEY,
        flips bytea NOT NULL
    );
    -- Which of a file's passages hold a term, and how often: 32 and 8 bits each, a row for some hundred passages.
    CREATE TABLE postings (
        owner bigint NOT NULL,
        term text COLLATE "C" NOT NULL,
        file bigint NOT NULL,
        start integer NOT NULL,
        userid text COLLATE "C" NOT NULL,
        positions bytea NOT NULL,
        counts bytea NOT NULL,
        PRIMARY KEY (owner, term, file, start)
    );
    CREATE INDEX postings_of ON postings (file);
    """,
    """
    -- Until when somebody follows the turn from another process. The index has only what others care about.
    ALTER TABLE turns ADD COLUMN followed_until timestamptz;
    DROP INDEX turns_stopping;
    CREATE INDEX turns_called ON turns (owner) WHERE (stop_requested OR followed_until IS NOT NULL) AND over_at IS NULL;
    """,
    """
    -- What was copied from a data folder, and its digest then.
    CREATE TABLE migrated (
        kind text NOT NULL,
        id text COLLATE "C" NOT NULL,
        userid text COLLATE "C" NOT NULL,
        digest bytea NOT NULL,
        PRIMARY KEY (kind, id)
    );
    """,
    """
    -- What was spent in a day (UTC, counted from 1970) by turns that are over. Running ones have theirs in their rows.
    CREATE TABLE usage (
        userid text COLLATE "C" NOT NULL,
        day bigint NOT NULL,
        turns bigint NOT NULL,
        input_tokens bigint NOT NULL,
        output_tokens bigint NOT NULL,
        images bigint NOT NULL,
        PRIMARY KEY (userid, day)
    ) WITH (fillfactor = 50);
    ALTER TABLE turns ADD COLUMN input_tokens bigint NOT NULL DEFAULT 0;
    ALTER TABLE turns ADD COLUMN output_tokens bigint NOT NULL DEFAULT 0;
    ALTER TABLE turns ADD COLUMN images bigint NOT NULL DEFAULT 0;
    """,
    """
    -- In bytes: images count for what a user may store.
    ALTER TABLE images ADD COLUMN size bigint NOT NULL DEFAULT 0;
    UPDATE images SET size = (SELECT coalesce(sum(length(data)), 0) FROM pieces WHERE blob_id = token);
    CREATE INDEX images_of_user ON images (userid) INCLUDE (size);
    """,
    "ALTER TABLE files ADD COLUMN notice text;",
    """
    -- The embedding model that the file's vectors are of, and how many it has.
    ALTER TABLE passage_files ADD COLUMN model text;
    ALTER TABLE passage_files ADD COLUMN vector_count integer NOT NULL DEFAULT 0;
    UPDATE passage_files SET vector_count = (SELECT count(*) FROM vectors WHERE file = passage_files.number);
    """,
    # Where an index has copies of the file's passages, and of which embedding model their vectors are.
    "ALTER TABLE files ADD COLUMN copied_as text NOT NULL DEFAULT '';",
    "ALTER TABLE usage ADD COLUMN embedding_tokens bigint NOT NULL DEFAULT 0;",
    """
    -- What requests have of the history, a row for each exchange: made of the messages, and never needed.
    CREATE TABLE exchanges (
        conversation_id text COLLATE "C" NOT NULL,
        position integer NOT NULL,
        userid text COLLATE "C" NOT NULL,
        count integer NOT NULL,
        tokens bigint NOT NULL,
        sent integer NOT NULL,
        shape text NOT NULL,
        digest bigint,
        message_ids text NOT NULL,
        wire bytea,
        PRIMARY KEY (conversation_id, position)
    );
    """,
    """
    -- Whether the last answer waits for its client. A turn that goes on with one is not counted again.
    ALTER TABLE conversations ADD COLUMN is_waiting boolean NOT NULL DEFAULT FALSE;
    ALTER TABLE turns ADD COLUMN turns bigint NOT NULL DEFAULT 1;
    """,
    """
    -- The place of the first settled message that shows the image.
    ALTER TABLE images ADD COLUMN shown_at integer;
    UPDATE images SET shown_at = (SELECT min(m.position) FROM messages m
        WHERE m.conversation_id = images.conversation_id AND position(convert_to(token, 'UTF8') IN m.body) > 0)
        WHERE maker IS NULL;
    """,
)

TABLES = ("migrations", *re.findall(r"CREATE TABLE (\w+)", "".join(MIGRATIONS)))
