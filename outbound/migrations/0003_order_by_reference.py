"""Whether a merchant has an order with one of these references, always found by the unique index of both.

A connection keeps the plan of a statement. One that was made while there were no orders would read the table, or any other index that begins with the
merchant, whole: all of them look alike then. So the first in order is asked for, and no plan may sort: only the one index has them in order.
Volatile, so that it sees what was committed while the statement around it waited for a lock.
"""

from django.db import migrations

CREATE = """
CREATE FUNCTION outbound_has_order(of_merchant bigint, with_references text[]) RETURNS boolean LANGUAGE plpgsql VOLATILE
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET enable_incremental_sort = off AS $$
BEGIN
    PERFORM FROM outbound_order WHERE merchant_id = of_merchant AND reference = ANY(with_references) ORDER BY reference LIMIT 1;
    RETURN FOUND;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("outbound", "0002_alone_in_its_tote")]

    operations = [migrations.RunSQL(CREATE, "DROP FUNCTION outbound_has_order(bigint, text[])")]
