-- A red letter suspends what it meets, also before publicity, and the system may do so when nobody is there.
INSERT INTO vouchers_step (verb, source, target, role, duty) VALUES
  ('suspend', 'approved', 'suspended', 'reviewer', ''),
  ('suspend', 'approved', 'suspended', 'approver', ''),
  ('suspend', 'approved', 'suspended', 'system', ''),
  ('suspend', 'publicised', 'suspended', 'system', ''),
  ('suspend', 'payable', 'suspended', 'system', ''),
  ('dismiss', 'suspended', 'approved', 'approver', '');

-- A bound invoice says what it said. A red letter that an officer entered may be withdrawn, with its binding.
CREATE OR REPLACE FUNCTION vouchers_invoice_stays() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE was vouchers_invoice%ROWTYPE := OLD;
BEGIN
  IF TG_OP = 'UPDATE' THEN
    was.allocated_fen := NEW.allocated_fen;
    IF NEW.bound_at IS NULL THEN
      was.bound_at := NULL;
      was.withdrawn_at := NEW.withdrawn_at;  -- a CHECK keeps it to those that officers entered
    END IF;
    IF was IS NOT DISTINCT FROM NEW THEN RETURN NEW; END IF;
  END IF;
  RAISE EXCEPTION 'invoice % is bound and stays as it is', OLD.id USING ERRCODE = 'integrity_constraint_violation';
END $$;

-- What an officer found at the tax platform, its enterprise cannot make undone: it counts, bound, or is withdrawn.
CREATE FUNCTION vouchers_officers_letter_stays() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE was vouchers_invoice%ROWTYPE := OLD;
BEGIN
  IF TG_OP = 'UPDATE' AND (NEW.bound_at IS NULL) <> (NEW.withdrawn_at IS NULL) THEN
    was.bound_at := NEW.bound_at;
    was.withdrawn_at := NEW.withdrawn_at;
    IF was IS NOT DISTINCT FROM NEW THEN RETURN NEW; END IF;
  END IF;
  RAISE EXCEPTION 'invoice % was entered by an officer and stays', OLD.id USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER officers_letter BEFORE UPDATE OR DELETE ON vouchers_invoice
  FOR EACH ROW WHEN (OLD.read_by = 'officer') EXECUTE FUNCTION vouchers_officers_letter_stays();

-- Attempts are counted by the day on which they were made; a fourth finds no number.
ALTER TABLE vouchers_verification ADD CONSTRAINT verification_on_its_day
  CHECK (asked_on = (asked_at AT TIME ZONE 'Asia/Shanghai')::date);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON vouchers_verification
  FOR EACH ROW EXECUTE FUNCTION vouchers_refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON vouchers_reversalflag
  FOR EACH ROW EXECUTE FUNCTION vouchers_refuse_change();

-- A waiver is agreed to once, as it was asked for.
CREATE FUNCTION vouchers_waiver_stays() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF OLD.agreed_by_id IS NOT NULL OR (NEW.invoice_id, NEW.reason, NEW.asked_by_id, NEW.asked_at)
     IS DISTINCT FROM (OLD.invoice_id, OLD.reason, OLD.asked_by_id, OLD.asked_at) THEN
    RAISE EXCEPTION 'waiver % stays as it is', OLD.id USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER stays BEFORE UPDATE ON vouchers_verificationwaiver
  FOR EACH ROW EXECUTE FUNCTION vouchers_waiver_stays();

-- A proposal of recovery is closed once; its figures stay.
CREATE FUNCTION vouchers_clawback_stays() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF OLD.state <> 'proposed' OR (NEW.claim_id, NEW.letter_id, NEW.paid_fen, NEW.due_fen, NEW.amount_fen, NEW.made_at)
     IS DISTINCT FROM (OLD.claim_id, OLD.letter_id, OLD.paid_fen, OLD.due_fen, OLD.amount_fen, OLD.made_at) THEN
    RAISE EXCEPTION 'proposal % stays as it is', OLD.id USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER stays BEFORE UPDATE ON vouchers_clawbackproposal
  FOR EACH ROW EXECUTE FUNCTION vouchers_clawback_stays();

-- What was said to a doubt is not said otherwise afterwards.
CREATE FUNCTION vouchers_answer_stays() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF TG_OP = 'DELETE' AND NOT EXISTS (SELECT FROM vouchers_invoice WHERE id = OLD.invoice_id AND bound_at IS NOT NULL) THEN
    RETURN OLD;  -- it goes with an invoice that nothing rests on
  END IF;
  RAISE EXCEPTION 'answer % stays as it is', OLD.id USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON vouchers_doubtanswer
  FOR EACH ROW EXECUTE FUNCTION vouchers_answer_stays();

-- No amount goes on to approval, publicity or a batch that a red letter has reduced since it was decided; and a
-- suspension for one ends in a new decision. Whoever writes the step, one claim or many.
CREATE FUNCTION vouchers_no_open_reversal() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM vouchers_reversalflag AS flag JOIN vouchers_invoice AS letter ON letter.id = flag.letter_id
             WHERE flag.claim_id = NEW.claim_id AND letter.withdrawn_at IS NULL
               AND NOT EXISTS (SELECT FROM vouchers_decision
                               WHERE claim_id = NEW.claim_id AND id > flag.after_decision)) THEN
    RAISE EXCEPTION 'claim % has an invoice that was reversed since it was decided', NEW.claim_id
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'claim_event_without_open_reversal';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER no_open_reversal AFTER INSERT ON vouchers_claimevent
  FOR EACH ROW WHEN (NEW.verb IN ('approve', 'publicise', 'clear', 'dismiss', 'batch'))
  EXECUTE FUNCTION vouchers_no_open_reversal();
