-- Whose invoice it is, and whether the tax platform stands by it: kept here as well as by the services.

-- 1. Every paper of a claim is of the claim's own organisation, by foreign key. `organisation_id` and, of a claim line,
-- `invoice_id` are written by these triggers alone, so that no program has to think of them; what a claim is, never
-- changes (vouchers_claim_stays), and the keys keep what the rest is.
CREATE FUNCTION vouchers_allocation_of_firm() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  NEW.organisation_id := (SELECT organisation_id FROM vouchers_claim WHERE id = NEW.claim_id);
  RETURN NEW;
END $$;

CREATE FUNCTION vouchers_claim_line_of_firm() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  NEW.organisation_id := (SELECT organisation_id FROM vouchers_claim WHERE id = NEW.claim_id);
  NEW.invoice_id := (SELECT invoice_id FROM vouchers_invoiceline WHERE id = NEW.invoice_line_id);
  RETURN NEW;
END $$;

ALTER TABLE vouchers_allocation ADD COLUMN organisation_id bigint;
ALTER TABLE vouchers_claimline ADD COLUMN organisation_id bigint, ADD COLUMN invoice_id bigint;
-- What is under way refuses every change, this one included.
ALTER TABLE vouchers_allocation DISABLE TRIGGER USER;
ALTER TABLE vouchers_claimline DISABLE TRIGGER USER;
UPDATE vouchers_allocation AS paper SET organisation_id = claim.organisation_id
  FROM vouchers_claim AS claim WHERE claim.id = paper.claim_id;
UPDATE vouchers_claimline AS paper SET organisation_id = claim.organisation_id, invoice_id = item.invoice_id
  FROM vouchers_claim AS claim, vouchers_invoiceline AS item
  WHERE claim.id = paper.claim_id AND item.id = paper.invoice_line_id;
ALTER TABLE vouchers_allocation ENABLE TRIGGER USER;
ALTER TABLE vouchers_claimline ENABLE TRIGGER USER;
ALTER TABLE vouchers_allocation ALTER COLUMN organisation_id SET NOT NULL;
ALTER TABLE vouchers_claimline ALTER COLUMN organisation_id SET NOT NULL, ALTER COLUMN invoice_id SET NOT NULL;

CREATE TRIGGER of_firm BEFORE INSERT OR UPDATE OF claim_id, organisation_id ON vouchers_allocation
  FOR EACH ROW EXECUTE FUNCTION vouchers_allocation_of_firm();
CREATE TRIGGER of_firm BEFORE INSERT OR UPDATE OF claim_id, invoice_line_id, organisation_id, invoice_id
  ON vouchers_claimline FOR EACH ROW EXECUTE FUNCTION vouchers_claim_line_of_firm();

ALTER TABLE vouchers_allocation
  ADD CONSTRAINT allocation_claim_of_firm FOREIGN KEY (organisation_id, claim_id)
    REFERENCES vouchers_claim (organisation_id, id) DEFERRABLE INITIALLY DEFERRED,
  ADD CONSTRAINT allocation_invoice_of_firm FOREIGN KEY (organisation_id, invoice_id)
    REFERENCES vouchers_invoice (organisation_id, id) DEFERRABLE INITIALLY DEFERRED,
  ADD CONSTRAINT allocation_payment_of_firm FOREIGN KEY (organisation_id, payment_id)
    REFERENCES vouchers_paymentmade (organisation_id, id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE vouchers_claimline
  ADD CONSTRAINT claim_line_claim_of_firm FOREIGN KEY (organisation_id, claim_id)
    REFERENCES vouchers_claim (organisation_id, id) DEFERRABLE INITIALLY DEFERRED,
  ADD CONSTRAINT claim_line_invoice_of_firm FOREIGN KEY (organisation_id, invoice_id)
    REFERENCES vouchers_invoice (organisation_id, id) DEFERRABLE INITIALLY DEFERRED,
  ADD CONSTRAINT claim_line_of_its_invoice FOREIGN KEY (invoice_id, invoice_line_id)
    REFERENCES vouchers_invoiceline (invoice_id, id) DEFERRABLE INITIALLY DEFERRED;

-- For the second of its keys: who takes an invoice away looks for its lines.
CREATE INDEX claim_line_of_invoice ON vouchers_claimline (invoice_id);

-- 2. Binding from submission, to the claim itself: at COMMIT a claim that was handed in has every payment that it
-- matched counted, and one counted payment on the invoice of every line. What is counted keeps its invoice bound
-- (invoice_used_is_bound) and stays (vouchers_allocation_stays); nothing is matched into a claim under way.
CREATE TRIGGER enters BEFORE INSERT ON vouchers_allocation FOR EACH ROW EXECUTE FUNCTION vouchers_paper_stays();

CREATE FUNCTION vouchers_papers_bound() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF EXISTS (
      SELECT FROM vouchers_claim AS claim WHERE id = NEW.claim_id
        AND state NOT IN ('draft', 'discarded', 'returned', 'rejected', 'withdrawn', 'lapsed', 'recovered')
        AND (EXISTS (SELECT FROM vouchers_allocation WHERE claim_id = claim.id AND NOT live)
             OR EXISTS (SELECT FROM vouchers_claimline AS line WHERE claim_id = claim.id AND NOT EXISTS (
                          SELECT FROM vouchers_allocation WHERE claim_id = claim.id AND invoice_id = line.invoice_id)))) THEN
    RAISE EXCEPTION 'claim % was handed in without binding its invoices and payments', NEW.claim_id
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'claim_event_binds_papers';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER papers_bound AFTER INSERT ON vouchers_claimevent DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (NEW.verb IN ('submit', 'resubmit', 'appeal')) EXECUTE FUNCTION vouchers_papers_bound();

-- A red letter that counts against a used invoice is not let go of either, to be changed or taken away.
CREATE FUNCTION vouchers_letter_stays_bound() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM vouchers_invoice WHERE organisation_id = OLD.organisation_id AND NOT red
             AND code || number = OLD.reverses AND allocated_fen > 0) THEN
    RAISE EXCEPTION 'letter % is against an invoice that claims use', OLD.number
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER letter_stays_bound AFTER UPDATE OF bound_at ON vouchers_invoice FOR EACH ROW
  WHEN (OLD.red AND OLD.bound_at IS NOT NULL AND NEW.bound_at IS NULL AND NEW.withdrawn_at IS NULL)
  EXECUTE FUNCTION vouchers_letter_stays_bound();

-- 3. The tax platform's word. The invoices of `claims` on which no money may leave, as things stood at `moment`, and
-- why: `letter` (reversed, and no red letter entered, or not asked again since the approval), `against`, `stale` (its
-- MATCH is older than the approval), `none`. An invoice is well with a MATCH younger than the approval, with a reversal
-- that is entered, or with a waiver that two officers signed after it, unless an answer speaks against it.
-- The one place of this rule: `vouchers.review.verifying` words it, the gate below and the check of the books ask it.
CREATE FUNCTION vouchers_unverified(claims bigint[], moment timestamptz)
RETURNS TABLE (claim_id bigint, number text, status text, wanting text) LANGUAGE sql STABLE
SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT judged.* FROM (
    SELECT claim.id, invoice.number::text, answer.status::text, CASE
        WHEN answer.status IN ('VOID', 'RED_FULL', 'RED_PART') THEN CASE
          WHEN answer.asked_at >= approved.at AND EXISTS (
            SELECT FROM vouchers_invoice AS letter
            WHERE letter.organisation_id = invoice.organisation_id AND letter.red
              AND letter.reverses = invoice.code || invoice.number
              AND (letter.withdrawn_at IS NULL OR letter.withdrawn_at > moment)) THEN ''
          ELSE 'letter' END
        WHEN answer.status IN ('MISMATCH', 'NOT_FOUND') THEN 'against'
        WHEN answer.status = 'MATCH' AND answer.asked_at >= approved.at THEN ''
        WHEN EXISTS (SELECT FROM vouchers_verificationwaiver AS waiver
                     WHERE waiver.invoice_id = invoice.id AND waiver.agreed_at >= approved.at
                       AND waiver.agreed_at <= moment) THEN ''
        WHEN answer.status = 'MATCH' THEN 'stale'
        ELSE 'none' END AS wanting
    FROM unnest(claims) AS claim (id)
    CROSS JOIN LATERAL (
      SELECT max(at) AS at FROM vouchers_claimevent
      WHERE claim_id = claim.id AND verb = 'approve' AND target = 'approved' AND at <= moment) AS approved
    CROSS JOIN LATERAL (
      SELECT DISTINCT invoice_id AS id FROM vouchers_allocation WHERE claim_id = claim.id AND live) AS used
    JOIN vouchers_invoice AS invoice ON invoice.id = used.id
    LEFT JOIN LATERAL (
      SELECT status, asked_at FROM vouchers_verification
      WHERE invoice_id = invoice.id AND status NOT IN ('QUOTA', 'UNAVAILABLE', 'TOO_NEW') AND asked_at <= moment
      ORDER BY id DESC LIMIT 1) AS answer ON true) AS judged
  WHERE wanting <> '' ORDER BY 1, 2
$$;

-- No batch is frozen or released on such an invoice, nor on a claim whose invoice was reversed since it was decided.
CREATE FUNCTION vouchers_batch_verified() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  paid_claims bigint[] := ARRAY(
    SELECT claim_id FROM vouchers_payment WHERE batch_id = NEW.id AND state <> 'dropped' ORDER BY claim_id);
  wanting text;
BEGIN
  SELECT string_agg(claim_id || ' ' || number || ' ' || unverified.wanting, ', ') INTO wanting
    FROM (SELECT * FROM vouchers_unverified(paid_claims, 'infinity') LIMIT 5) AS unverified;
  IF wanting IS NOT NULL THEN
    RAISE EXCEPTION 'batch %: the tax platform does not stand by its invoices: %', NEW.number, wanting
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'batch_invoices_verified';
  END IF;
  IF EXISTS (SELECT FROM vouchers_reversalflag AS flag JOIN vouchers_invoice AS letter ON letter.id = flag.letter_id
             WHERE flag.claim_id = ANY (paid_claims) AND letter.withdrawn_at IS NULL
               AND NOT EXISTS (SELECT FROM vouchers_decision
                               WHERE claim_id = flag.claim_id AND id > flag.after_decision)) THEN
    RAISE EXCEPTION 'batch % has a claim with an invoice that was reversed since it was decided', NEW.number
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'batch_without_open_reversal';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER verified AFTER UPDATE OF state ON vouchers_batch FOR EACH ROW
  WHEN (NEW.state <> OLD.state AND NEW.state IN ('frozen', 'released')) EXECUTE FUNCTION vouchers_batch_verified();

-- And nothing passes beside the gate: what was sent to the bank, was sent with its batch.
CREATE FUNCTION vouchers_payment_with_batch() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM vouchers_batch WHERE id = NEW.batch_id AND state IN ('released', 'reconciled')) THEN
    RAISE EXCEPTION 'payment % is sent with its batch alone', NEW.id USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER with_batch AFTER UPDATE OF state ON vouchers_payment DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (NEW.state = 'sent' AND OLD.state = 'prepared') EXECUTE FUNCTION vouchers_payment_with_batch();

-- Who answers and who waives is an officer that day; what a person says they read comes with its picture.
CREATE FUNCTION vouchers_answers_officer(person bigint, moment timestamptz) RETURNS boolean LANGUAGE sql STABLE
SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT vouchers_officer_on(person, 'reviewer', moment) OR vouchers_officer_on(person, 'approver', moment)
      OR vouchers_officer_on(person, 'finance', moment)
$$;

CREATE FUNCTION vouchers_verification_by_officer() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF NOT coalesce(vouchers_answers_officer(NEW.asked_by_id, NEW.asked_at), false) THEN
    RAISE EXCEPTION 'verification of invoice %: % is no officer of that day', NEW.invoice_id, NEW.asked_by_id
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER by_officer BEFORE INSERT ON vouchers_verification FOR EACH ROW
  WHEN (NEW.provider = 'manual' OR NEW.asked_by_id IS NOT NULL) EXECUTE FUNCTION vouchers_verification_by_officer();
ALTER TABLE vouchers_verification ADD CONSTRAINT verification_by_hand_has_its_picture
  CHECK (provider <> 'manual' OR picture_stored <> '' OR status IN ('QUOTA', 'UNAVAILABLE'));

CREATE FUNCTION vouchers_waiver_by_officers() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' AND NEW.agreed_by_id IS NOT NULL THEN
    RAISE EXCEPTION 'a waiver begins asked for' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF NOT coalesce(vouchers_answers_officer(NEW.asked_by_id, NEW.asked_at), false)
     OR NEW.agreed_by_id IS NOT NULL AND NOT coalesce(vouchers_answers_officer(NEW.agreed_by_id, NEW.agreed_at), false) THEN
    RAISE EXCEPTION 'waiver for invoice %: its two people are officers of their days', NEW.invoice_id
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER by_officers BEFORE INSERT OR UPDATE ON vouchers_verificationwaiver
  FOR EACH ROW EXECUTE FUNCTION vouchers_waiver_by_officers();

REVOKE ALL ON FUNCTION vouchers_unverified, vouchers_answers_officer FROM PUBLIC;
