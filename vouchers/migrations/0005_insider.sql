-- What the database refuses to somebody who holds the runtime role's password and writes SQL by hand. Names are looked
-- up in pg_catalog and public before any temporary schema, so that no temporary table stands in for a real one.

ALTER FUNCTION vouchers_refuse_change SET search_path = pg_catalog, public, pg_temp;
ALTER FUNCTION vouchers_event_duty SET search_path = pg_catalog, public, pg_temp;
ALTER FUNCTION vouchers_batch_duty SET search_path = pg_catalog, public, pg_temp;
ALTER FUNCTION vouchers_claim_follows_event SET search_path = pg_catalog, public, pg_temp;
ALTER FUNCTION vouchers_voucher_follows_event SET search_path = pg_catalog, public, pg_temp;
ALTER FUNCTION vouchers_event_moves_claim SET search_path = pg_catalog, public, pg_temp;
ALTER FUNCTION vouchers_sum_allocations SET search_path = pg_catalog, public, pg_temp;
ALTER FUNCTION vouchers_keep_sum SET search_path = pg_catalog, public, pg_temp;
ALTER FUNCTION vouchers_allocation_stays SET search_path = pg_catalog, public, pg_temp;
ALTER FUNCTION vouchers_allocation_live SET search_path = pg_catalog, public, pg_temp;
ALTER FUNCTION vouchers_bind_buyer SET search_path = pg_catalog, public, pg_temp;
ALTER FUNCTION vouchers_call_frozen SET search_path = pg_catalog, public, pg_temp;
ALTER FUNCTION vouchers_payment_frozen SET search_path = pg_catalog, public, pg_temp;

-- An event is a row of the table of transitions (vouchers/workflow.py: verb, source, target, role).
ALTER TABLE vouchers_claimevent ADD CONSTRAINT claim_event_is_a_step CHECK (
  verb || ' ' || source || ' ' || target || ' ' || role IN (
  'submit draft submitted applicant',
  'discard draft discarded applicant',
  'accept submitted accepted reviewer',
  'return submitted returned reviewer',
  'return accepted returned reviewer',
  'resubmit returned submitted applicant',
  'lapse returned lapsed system',
  'withdraw submitted withdrawn applicant',
  'withdraw returned withdrawn applicant',
  'withdraw accepted withdrawn applicant',
  'review accepted reviewed reviewer',
  'approve reviewed approved approver',
  'approve reviewed approved_once approver',
  'approve approved_once approved approver',
  'send_back reviewed accepted approver',
  'send_back approved_once accepted approver',
  'reject submitted rejected reviewer',
  'reject accepted rejected reviewer',
  'reject reviewed rejected approver',
  'reject approved_once rejected approver',
  'reject suspended rejected approver',
  'appeal rejected accepted applicant',
  'publicise approved publicised reviewer',
  'publicise approved publicised approver',
  'clear publicised payable system',
  'suspend publicised suspended reviewer',
  'suspend publicised suspended approver',
  'suspend payable suspended reviewer',
  'suspend payable suspended approver',
  'dismiss suspended publicised approver',
  'dismiss suspended payable approver',
  'reassess suspended accepted approver',
  'batch payable batched finance',
  'unbatch batched payable finance',
  'pay batched paid finance',
  'bounce batched payable finance',
  'bounce paid payable finance',
  'recover paid paid finance',
  'recover paid recovered finance'));
ALTER TABLE vouchers_voucherevent ADD CONSTRAINT voucher_event_is_a_step CHECK (
  verb || ' ' || source || ' ' || target || ' ' || role IN (
  'issue applied issued reviewer',
  'refuse applied refused reviewer',
  'expire issued expired system',
  'revoke issued revoked approver'));
ALTER TABLE vouchers_voucherevent ADD CONSTRAINT voucher_event_names_its_actor
  CHECK ((role = 'system') = (actor_id IS NULL));

-- It starts where the event before it ended, exercises the duty of its verb, and its actor held the role that day.
CREATE FUNCTION vouchers_event_lawful() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  day date := (NEW.at AT TIME ZONE 'Asia/Shanghai')::date;
  before text;
  firm bigint;
BEGIN
  IF TG_TABLE_NAME = 'vouchers_claimevent' THEN
    SELECT organisation_id INTO firm FROM vouchers_claim WHERE id = NEW.claim_id;
    SELECT target INTO before FROM vouchers_claimevent WHERE claim_id = NEW.claim_id AND version = NEW.version - 1;
    IF NEW.version = 1 THEN before := 'draft'; END IF;
    IF NEW.duty <> (CASE WHEN NEW.verb = 'review' THEN 'review'
                        WHEN NEW.verb = 'approve' AND NEW.source = 'reviewed' THEN 'approve'
                        WHEN NEW.verb = 'approve' THEN 'second_approve'
                        WHEN NEW.verb = 'batch' THEN 'finance_prepare' ELSE '' END) THEN
      RAISE EXCEPTION 'event %: % is not the duty of %', NEW.id, NEW.duty, NEW.verb
        USING ERRCODE = 'integrity_constraint_violation';
    END IF;
  ELSE
    SELECT organisation_id INTO firm FROM vouchers_voucher WHERE id = NEW.voucher_id;
    SELECT target INTO before FROM vouchers_voucherevent
    WHERE voucher_id = NEW.voucher_id AND version = NEW.version - 1;
    IF NEW.version = 1 THEN before := 'applied'; END IF;
  END IF;
  IF NEW.source IS DISTINCT FROM before THEN
    RAISE EXCEPTION 'event %: version % does not start where the one before it ended', NEW.id, NEW.version
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF NOT (CASE NEW.role
    WHEN 'system' THEN NEW.actor_id IS NULL
    WHEN 'applicant' THEN EXISTS (
      SELECT FROM applicants_organisation o
      JOIN applicants_membership m ON m.organisation_id IN (o.id, o.merged_into_id)
      JOIN accounts_user u ON u.id = m.user_id AND u.is_active
      WHERE o.id = firm AND m.user_id = NEW.actor_id AND m.since <= day AND (m.until IS NULL OR m.until > day))
    ELSE EXISTS (
      SELECT FROM accounts_officer o JOIN accounts_user u ON u.id = o.user_id AND u.is_active
      WHERE o.user_id = NEW.actor_id AND o.role = NEW.role
        AND o.valid_from <= day AND (o.valid_until IS NULL OR o.valid_until > day)) END) THEN
    RAISE EXCEPTION 'event %: its actor was no % on %', NEW.id, NEW.role, day
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER lawful AFTER INSERT ON vouchers_claimevent
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION vouchers_event_lawful();
CREATE CONSTRAINT TRIGGER lawful AFTER INSERT ON vouchers_voucherevent
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION vouchers_event_lawful();

CREATE FUNCTION vouchers_event_moves_voucher() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM vouchers_voucher WHERE id = NEW.voucher_id AND version >= NEW.version) THEN
    RAISE EXCEPTION 'event % of voucher % is ahead of it', NEW.version, NEW.voucher_id
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER moves_voucher AFTER INSERT ON vouchers_voucherevent
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION vouchers_event_moves_voucher();

-- A bound invoice, and a payment that live claims use, say what they said; only the binding and the sum move.
CREATE FUNCTION vouchers_invoice_stays() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE was vouchers_invoice%ROWTYPE := OLD;
BEGIN
  IF TG_OP = 'UPDATE' THEN
    was.allocated_fen := NEW.allocated_fen;
    IF NEW.bound_at IS NULL THEN was.bound_at := NULL; END IF;
    IF was IS NOT DISTINCT FROM NEW THEN RETURN NEW; END IF;
  END IF;
  RAISE EXCEPTION 'invoice % is bound and stays as it is', OLD.id USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON vouchers_invoice
  FOR EACH ROW WHEN (OLD.bound_at IS NOT NULL) EXECUTE FUNCTION vouchers_invoice_stays();

CREATE FUNCTION vouchers_payment_made_stays() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE was vouchers_paymentmade%ROWTYPE := OLD;
BEGIN
  was.allocated_fen := NEW.allocated_fen;
  IF was IS DISTINCT FROM NEW THEN
    RAISE EXCEPTION 'payment made % is used and stays', OLD.id USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER stays BEFORE UPDATE ON vouchers_paymentmade
  FOR EACH ROW WHEN (OLD.allocated_fen > 0) EXECUTE FUNCTION vouchers_payment_made_stays();

-- FOR SHARE: who binds the invoice at the same time is waited for.
CREATE FUNCTION vouchers_invoice_line_stays() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE bound timestamptz;
BEGIN
  FOR bound IN SELECT bound_at FROM vouchers_invoice WHERE id IN (OLD.invoice_id, NEW.invoice_id) ORDER BY id FOR SHARE
  LOOP
    IF bound IS NOT NULL THEN
      RAISE EXCEPTION 'a line of a bound invoice stays as it is' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
  END LOOP;
  RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER stays BEFORE INSERT OR UPDATE OR DELETE ON vouchers_invoiceline
  FOR EACH ROW EXECUTE FUNCTION vouchers_invoice_line_stays();

-- What a claim declares and encloses changes only while its applicant may change it.
CREATE FUNCTION vouchers_paper_stays() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE claim record;
BEGIN
  FOR claim IN SELECT id, state FROM vouchers_claim WHERE id IN (OLD.claim_id, NEW.claim_id) ORDER BY id FOR SHARE LOOP
    IF claim.state NOT IN ('draft', 'returned') THEN
      RAISE EXCEPTION 'claim % is %: its papers stay as they are', claim.id, claim.state
        USING ERRCODE = 'integrity_constraint_violation';
    END IF;
  END LOOP;
  RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER stays BEFORE INSERT OR UPDATE OR DELETE ON vouchers_claimline
  FOR EACH ROW EXECUTE FUNCTION vouchers_paper_stays();
CREATE TRIGGER stays BEFORE INSERT OR UPDATE OR DELETE ON vouchers_attachment
  FOR EACH ROW EXECUTE FUNCTION vouchers_paper_stays();

-- A claim begins as an empty draft of its voucher's holder. What it is never changes; what steps make of it changes
-- with its version, except that a waiting claim is served.
CREATE FUNCTION vouchers_claim_begins() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF (NEW.state, NEW.version, NEW.computed_fen, NEW.granted_fen, NEW.waiting) <> ('draft', 0, 0, 0, false)
     OR num_nonnulls(NEW.queue_number, NEW.submitted_at, NEW.correction_due, NEW.publicised_until) > 0 THEN
    RAISE EXCEPTION 'a claim begins as an empty draft' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF NOT EXISTS (SELECT FROM vouchers_voucher WHERE id = NEW.voucher_id
                 AND (organisation_id, call_id) = (NEW.organisation_id, NEW.call_id)) THEN
    RAISE EXCEPTION 'a claim is of its voucher''s holder and call' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER begins BEFORE INSERT ON vouchers_claim FOR EACH ROW EXECUTE FUNCTION vouchers_claim_begins();

CREATE FUNCTION vouchers_claim_stays() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF (NEW.id, NEW.organisation_id, NEW.voucher_id, NEW.call_id, NEW.number, NEW.created_at) IS DISTINCT FROM
     (OLD.id, OLD.organisation_id, OLD.voucher_id, OLD.call_id, OLD.number, OLD.created_at) THEN
    RAISE EXCEPTION 'claim % stays what it is', OLD.id USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF NEW.version = OLD.version + 1 THEN RETURN NEW; END IF;
  IF NEW.version <> OLD.version
     OR (NEW.queue_number, NEW.submitted_at, NEW.publicised_until, NEW.correction_due) IS DISTINCT FROM
        (OLD.queue_number, OLD.submitted_at, OLD.publicised_until, OLD.correction_due)
     OR (NOT OLD.waiting AND (NEW.computed_fen, NEW.granted_fen, NEW.waiting) IS DISTINCT FROM
                             (OLD.computed_fen, OLD.granted_fen, OLD.waiting))
     OR (OLD.state NOT IN ('draft', 'returned') AND (NEW.declared_by_id, NEW.declared_at) IS DISTINCT FROM
                                                    (OLD.declared_by_id, OLD.declared_at)) THEN
    RAISE EXCEPTION 'claim % is changed by its steps only', OLD.id USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER stays BEFORE UPDATE ON vouchers_claim FOR EACH ROW EXECUTE FUNCTION vouchers_claim_stays();

CREATE FUNCTION vouchers_queue_goes_on() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  RAISE EXCEPTION 'the filing queue of % only goes on', OLD.fiscal_year
    USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER goes_on BEFORE UPDATE ON vouchers_filingqueue FOR EACH ROW
  WHEN (NEW.last_number < OLD.last_number OR NEW.scheme <> OLD.scheme OR NEW.fiscal_year <> OLD.fiscal_year)
  EXECUTE FUNCTION vouchers_queue_goes_on();

CREATE FUNCTION vouchers_voucher_stays() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  RAISE EXCEPTION 'voucher % stays what it is', OLD.id USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER stays BEFORE UPDATE ON vouchers_voucher FOR EACH ROW
  WHEN ((NEW.id, NEW.organisation_id, NEW.call_id, NEW.scheme, NEW.fiscal_year, NEW.serial_number, NEW.applied_at)
        IS DISTINCT FROM
        (OLD.id, OLD.organisation_id, OLD.call_id, OLD.scheme, OLD.fiscal_year, OLD.serial_number, OLD.applied_at))
  EXECUTE FUNCTION vouchers_voucher_stays();

-- A batch goes forward only, from open; each step writes its own stamps, and nothing else changes.
CREATE FUNCTION vouchers_batch_steps() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE was vouchers_batch%ROWTYPE;
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.state <> 'open' OR NEW.digest <> '' OR num_nonnulls(NEW.frozen_at, NEW.frozen_by_id, NEW.signed_at,
                                                   NEW.signed_by_id, NEW.released_at, NEW.released_by_id) > 0 THEN
      RAISE EXCEPTION 'a batch begins open' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
  END IF;
  IF NEW.state <> OLD.state AND OLD.state || ' ' || NEW.state NOT IN (
    'open frozen', 'frozen signed', 'signed released', 'released reconciled', 'open cancelled',
    'frozen cancelled', 'signed cancelled') THEN
    RAISE EXCEPTION 'batch % does not go from % to %', OLD.id, OLD.state, NEW.state
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  was := OLD;
  was.state := NEW.state;
  IF OLD.state = 'open' THEN was.approval_reference := NEW.approval_reference; END IF;
  CASE OLD.state || ' ' || NEW.state
    WHEN 'open frozen' THEN
      was.frozen_at := NEW.frozen_at; was.frozen_by_id := NEW.frozen_by_id; was.digest := NEW.digest;
    WHEN 'frozen signed' THEN was.signed_at := NEW.signed_at; was.signed_by_id := NEW.signed_by_id;
    WHEN 'signed released' THEN was.released_at := NEW.released_at; was.released_by_id := NEW.released_by_id;
    ELSE NULL;
  END CASE;
  IF was IS DISTINCT FROM NEW THEN
    RAISE EXCEPTION 'batch % keeps what its steps wrote', OLD.id USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER steps BEFORE INSERT OR UPDATE ON vouchers_batch
  FOR EACH ROW EXECUTE FUNCTION vouchers_batch_steps();

-- So does a payment; the bank's answer is written with the step it causes.
CREATE FUNCTION vouchers_payment_steps() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.state <> 'prepared' THEN
      RAISE EXCEPTION 'a payment begins prepared' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NOT EXISTS (SELECT FROM vouchers_claim WHERE id = NEW.claim_id AND state = 'batched') THEN
      RAISE EXCEPTION 'claim % is not in a batch', NEW.claim_id USING ERRCODE = 'integrity_constraint_violation';
    END IF;
  ELSIF NEW.state = OLD.state THEN
    IF (NEW.bank_reference, NEW.bank_message, NEW.answered_on) IS DISTINCT FROM
       (OLD.bank_reference, OLD.bank_message, OLD.answered_on) THEN
      RAISE EXCEPTION 'payment % keeps the answer of its bank', OLD.id USING ERRCODE = 'integrity_constraint_violation';
    END IF;
  ELSIF OLD.state || ' ' || NEW.state NOT IN (
    'prepared sent', 'prepared dropped', 'sent paid', 'unknown paid', 'sent failed',
    'unknown failed', 'paid failed', 'sent unknown') THEN
    RAISE EXCEPTION 'payment % does not go from % to %', OLD.id, OLD.state, NEW.state
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER steps BEFORE INSERT OR UPDATE ON vouchers_payment
  FOR EACH ROW EXECUTE FUNCTION vouchers_payment_steps();

-- A published call changes no more either; the first submission freezes it, once.
CREATE FUNCTION vouchers_call_published() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE was vouchers_call%ROWTYPE := OLD;
BEGIN
  IF TG_OP = 'UPDATE' THEN
    was.frozen_at := NEW.frozen_at;
    IF was IS NOT DISTINCT FROM NEW THEN RETURN NEW; END IF;
  END IF;
  RAISE EXCEPTION 'call % is published: it changes by a new version', OLD.id
    USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER published BEFORE UPDATE OR DELETE ON vouchers_call
  FOR EACH ROW WHEN (OLD.published_at IS NOT NULL AND OLD.frozen_at IS NULL) EXECUTE FUNCTION vouchers_call_published();
