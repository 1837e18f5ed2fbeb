"""Whether a merchant has an order with one of these references, always looked up by the index.

A function of its own, as a connection keeps the plan of a statement: one that was made while there were no orders would read the whole table.
Volatile, so that it sees what was committed while the statement around it waited for a lock.
"""

from django.db import migrations

CREATE = """
CREATE FUNCTION outbound_has_order(of_merchant bigint, with_references text[]) RETURNS boolean LANGUAGE plpgsql VOLATILE SET enable_seqscan = off AS $$
BEGIN
    RETURN EXISTS (SELECT FROM outbound_order WHERE merchant_id = of_merchant AND reference = ANY(with_references));
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("outbound", "0002_alone_in_its_tote")]

    operations = [migrations.RunSQL(CREATE, "DROP FUNCTION outbound_has_order(bigint, text[])")]
