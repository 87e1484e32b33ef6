"""Getting what was deleted out of PostgreSQL's files.

A DELETE there leaves the row in its page, and so does a plain VACUUM, which only frees its place.
So the tables that say who somebody is, or hold the key that their faces are under, are written anew
(VACUUM FULL; their old files are deleted). Photos and templates, which are most of a gallery, are
ciphertext under that key, and are freed only. The write-ahead log until it is used again, archives
of it, standbys and dumps are not reached: docs/scaling.md.
"""

import sqlalchemy as sa

from store.database import translated
from store.errors import GalleryLocked
from store.schema import audit, events, metadata, samples, templates

_ONLY_FREED = {table.name for table in (samples, templates, audit, events)}
_LOCK_SECONDS = 2

# A snapshot of before the deletion would carry deleted rows along into the new files.
_OLDER_READERS = sa.text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND pid <> pg_backend_pid() AND backend_xmin IS NOT NULL"
    " AND age(backend_xmin) > age(CAST(CAST(:now AS text) AS xid))"
)


def vacuum(engine: sa.Engine) -> bool:
    """Write anew what held somebody who is deleted; True at once where it is not PostgreSQL.

    Returns:
        False while somebody still reads an older state, or a table; try again then.
    """
    if engine.dialect.name != "postgresql":
        return True
    with translated(), engine.connect() as connection:
        now = connection.exec_driver_sql("SELECT pg_current_xact_id()::xid::text").scalar_one()
    try:
        with (
            translated(),
            engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection,
        ):
            if connection.execute(_OLDER_READERS, {"now": now}).scalar_one():
                return False
            connection.exec_driver_sql(f"SET lock_timeout = '{_LOCK_SECONDS}s'")
            try:
                for table in metadata.sorted_tables:
                    full = "" if table.name in _ONLY_FREED else "FULL "
                    connection.exec_driver_sql(f"VACUUM {full}{table.name}")
            finally:
                connection.invalidate()  # another lock_timeout is none of the next one's business
    except GalleryLocked:
        return False
    return True
