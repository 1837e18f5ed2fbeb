"""The merchant of a personal record, checked once a statement instead of once a row (docs/adr/0012).

A part of 0001, which has run where there are goods already: what is to be otherwise comes in a migration of its own.
"""

# Looks up the merchants of all new rows at once, and keeps them from being deleted until the transaction ends, as a foreign key does.
CREATE = """
CREATE FUNCTION core_personal_records_belong() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT count(*) FROM (SELECT FROM core_merchant WHERE id IN (SELECT merchant_id FROM fresh) FOR KEY SHARE) m)
       < (SELECT count(DISTINCT merchant_id) FROM fresh) THEN
        RAISE EXCEPTION 'a personal record needs its merchant' USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER personal_record_belongs AFTER INSERT ON core_personalrecord
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION core_personal_records_belong();

CREATE FUNCTION core_personal_record_belongs_still() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM core_merchant WHERE id = NEW.merchant_id FOR KEY SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'a personal record needs its merchant' USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER personal_record_belongs_still AFTER UPDATE OF merchant_id ON core_personalrecord FOR EACH ROW
    WHEN (OLD.merchant_id <> NEW.merchant_id) EXECUTE FUNCTION core_personal_record_belongs_still();

CREATE FUNCTION core_merchant_is_needed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM core_personalrecord WHERE merchant_id = OLD.id) THEN
        RAISE EXCEPTION 'merchant % is needed by a personal record', OLD.id USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER needed_by_personal_records AFTER DELETE ON core_merchant FOR EACH ROW EXECUTE FUNCTION core_merchant_is_needed();
"""
DROP = """
DROP TRIGGER personal_record_belongs ON core_personalrecord;
DROP TRIGGER personal_record_belongs_still ON core_personalrecord;
DROP TRIGGER needed_by_personal_records ON core_merchant;
DROP FUNCTION core_personal_records_belong, core_personal_record_belongs_still, core_merchant_is_needed;
"""
