-- Publicity does not end while somebody's objection is open.
CREATE FUNCTION vouchers_clear_without_objection() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM vouchers_objection
             WHERE claim_id = NEW.claim_id AND state IN ('received', 'investigating')) THEN
    RAISE EXCEPTION 'claim % has an open objection', NEW.claim_id USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER clear_without_objection AFTER INSERT ON vouchers_claimevent
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.verb = 'clear')
  EXECUTE FUNCTION vouchers_clear_without_objection();

-- What was said against a claim stays as it was said, and a finding is not changed.
CREATE FUNCTION vouchers_objection_stays() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF (NEW.claim_id, NEW.number, NEW.name, NEW.contact, NEW.text, NEW.received_at)
     IS DISTINCT FROM (OLD.claim_id, OLD.number, OLD.name, OLD.contact, OLD.text, OLD.received_at)
     OR OLD.state NOT IN ('received', 'investigating') THEN
    RAISE EXCEPTION 'objection % stays as it is', OLD.number USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER stays BEFORE UPDATE ON vouchers_objection
  FOR EACH ROW EXECUTE FUNCTION vouchers_objection_stays();
