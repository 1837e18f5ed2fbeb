"""When an ASN changed last.

A part of 0001, which has run where there are goods already: what is to be otherwise comes in a migration of its own.
"""

CREATE = """
CREATE FUNCTION inbound_asn_was_updated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := statement_timestamp();
    RETURN NEW;
END $$;
CREATE TRIGGER asn_updated BEFORE UPDATE ON inbound_asn FOR EACH ROW EXECUTE FUNCTION inbound_asn_was_updated();
"""
DROP = """
DROP TRIGGER asn_updated ON inbound_asn;
DROP FUNCTION inbound_asn_was_updated();
"""
