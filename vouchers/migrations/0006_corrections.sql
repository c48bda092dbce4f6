-- Taking something off a line (核减) is a step of the claim like any other, and the reviewer's duty.
ALTER TABLE vouchers_claimevent DROP CONSTRAINT claim_event_is_a_step;
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
  'cut accepted accepted reviewer',
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

CREATE OR REPLACE FUNCTION vouchers_event_lawful() RETURNS trigger LANGUAGE plpgsql
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
    IF NEW.duty <> (CASE WHEN NEW.verb IN ('review', 'cut') THEN 'review'
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

-- A cut hangs on the step that made it, while that is the claim's latest.
CREATE FUNCTION vouchers_cut_by_its_event() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF NOT EXISTS (
      SELECT FROM vouchers_claimevent AS event JOIN vouchers_claim AS claim ON claim.id = event.claim_id
      WHERE event.id = NEW.event_id AND event.verb = 'cut' AND claim.id = NEW.claim_id AND claim.version = event.version) THEN
    RAISE EXCEPTION 'a cut of claim % needs the step that made it', NEW.claim_id
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF NOT EXISTS (
      SELECT FROM vouchers_claimline WHERE claim_id = NEW.claim_id AND invoice_line_id = NEW.invoice_line_id) THEN
    RAISE EXCEPTION 'claim % does not claim line %', NEW.claim_id, NEW.invoice_line_id
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER by_its_event BEFORE INSERT ON vouchers_linecut
  FOR EACH ROW EXECUTE FUNCTION vouchers_cut_by_its_event();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON vouchers_linecut
  FOR EACH ROW EXECUTE FUNCTION vouchers_refuse_change();

-- What the bureau asked for stays as it was asked; only the answer is written later, while it is being mended.
CREATE FUNCTION vouchers_correction_stays() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF (NEW.claim_id, NEW.claim_version, NEW.position, NEW.text)
     IS DISTINCT FROM (OLD.claim_id, OLD.claim_version, OLD.position, OLD.text)
     OR NOT EXISTS (SELECT FROM vouchers_claim
                    WHERE id = OLD.claim_id AND state = 'returned' AND version = OLD.claim_version) THEN
    RAISE EXCEPTION 'item % of claim % stays as it is', OLD.position, OLD.claim_id
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER stays BEFORE UPDATE ON vouchers_correctionitem
  FOR EACH ROW EXECUTE FUNCTION vouchers_correction_stays();
CREATE FUNCTION vouchers_correction_begins() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF NEW.answer <> '' OR NOT EXISTS (
      SELECT FROM vouchers_claimevent AS event JOIN vouchers_claim AS claim ON claim.id = event.claim_id
      WHERE claim.id = NEW.claim_id AND claim.version = event.version
        AND event.version = NEW.claim_version AND event.verb = 'return') THEN
    RAISE EXCEPTION 'claim % was not returned with version %', NEW.claim_id, NEW.claim_version
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER begins BEFORE INSERT ON vouchers_correctionitem
  FOR EACH ROW EXECUTE FUNCTION vouchers_correction_begins();
