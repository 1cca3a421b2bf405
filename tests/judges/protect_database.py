"""Who administers the keyfront's database edits, swaps, rolls back and deletes rows: nobody gets another key for it, and the keyfront names each in its log.
Over SQLite and over PostgreSQL."""

import re
import time
import unittest

from protect_application import Application
from protect_house import Files
from protect_rows import PostgreSQL, Sqlite


class OverSqlite(Application):
    HOUSE = (Files, Sqlite)

    def sql(self, statement):
        return self.house.rows.execute(statement)

    def create(self):
        return self.granted("alice", {"create": {"session": self.session()}})

    def named(self, datum, amiss):
        """Waits until the keyfront's log says of this datum that this is amiss."""
        line = re.compile(rf"WARN.*\bdatum=\"?{datum}\"? amiss=\"{amiss}\"")
        until = time.monotonic() + 10
        while not line.search((self.house.at / "keyfront.log").read_text()):
            self.assertLess(time.monotonic(), until, f"{datum} is not said to be {amiss}")
            time.sleep(0.05)

    def opens_as_before(self, created):
        self.assertEqual(self.data_key(self.granted("alice", self.opening(created))), self.data_key(created))

    def test_an_edited_row_is_brought_back_and_named(self):
        created = self.create()
        self.sql(f"UPDATE protect_datum SET payload = CAST('{{}}' AS {self.house.rows.OCTETS}) WHERE id = '{created['datum']}'")
        self.opens_as_before(created)
        self.named(created["datum"], "altered")

    def test_a_row_in_the_place_of_another_is_brought_back_and_named(self):
        ours, theirs = self.create(), self.granted("mallory", {"create": {"session": self.session()}})
        put = f"SELECT payload FROM protect_datum WHERE id = '{theirs['datum']}'"
        self.sql(f"UPDATE protect_datum SET payload = ({put}) WHERE id = '{ours['datum']}'")
        self.refused(self.ask("mallory", self.opening(ours)), "user_not_authorised")
        self.named(ours["datum"], "altered")
        self.opens_as_before(ours)

    def test_a_row_that_was_rolled_back_gives_nobody_what_was_taken_away(self):
        created = self.create()
        datum = created["datum"]
        self.granted("alice", {"grant": {"datum": datum, "grant": {"to": {"user": "bob"}}}})
        self.sql(f"CREATE TABLE earlier AS SELECT id, payload FROM protect_datum WHERE id = '{datum}'")
        self.granted("alice", {"revoke": {"datum": datum, "to": {"user": "bob"}}})
        self.sql(f"UPDATE protect_datum SET payload = (SELECT payload FROM earlier) WHERE id = '{datum}'")
        self.refused(self.ask("bob", self.opening(created)), "user_not_authorised")
        self.named(datum, "altered")
        self.opens_as_before(created)

    def test_a_deleted_row_is_brought_back_and_named(self):
        created = self.create()
        datum = created["datum"]
        self.granted("alice", {"deactivate": {"datum": datum}})
        self.granted("alice", {"activate": {"datum": datum}})
        self.sql(f"DELETE FROM protect_datum WHERE id = '{datum}'")
        self.opens_as_before(created)
        self.named(datum, "missing")
        self.assertEqual(self.sql(f"SELECT status, version FROM protect_datum WHERE id = '{datum}'"), [("active", "3")])


class OverPostgreSQL(OverSqlite):
    HOUSE = (Files, PostgreSQL)


if __name__ == "__main__":
    unittest.main()
