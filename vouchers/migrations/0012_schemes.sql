-- The triggers that ask for an officer's role run as their owner: nobody else may call that function.
-- An agreement begins as a draft of a reviewer, and is approved by approvers of that day.
CREATE FUNCTION vouchers_officer_on(person bigint, wanted text, moment timestamptz) RETURNS boolean LANGUAGE sql STABLE
SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT EXISTS (
    SELECT FROM accounts_officer o JOIN accounts_user u ON u.id = o.user_id AND u.is_active
    WHERE o.user_id = person AND o.role = wanted AND o.valid_from <= (moment AT TIME ZONE 'Asia/Shanghai')::date
      AND (o.valid_until IS NULL OR o.valid_until > (moment AT TIME ZONE 'Asia/Shanghai')::date))
$$;

CREATE FUNCTION vouchers_agreement_begins() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF (NEW.state, NEW.version) <> ('drafted', 0)
     OR num_nonnulls(NEW.approved_by_id, NEW.approved_at, NEW.second_by_id, NEW.second_at) > 0
     OR NOT vouchers_officer_on(NEW.made_by_id, 'reviewer', NEW.made_at) THEN
    RAISE EXCEPTION 'agreement % begins as the draft of a reviewer', NEW.number
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER begins BEFORE INSERT ON vouchers_agreement FOR EACH ROW EXECUTE FUNCTION vouchers_agreement_begins();

-- What was agreed stays as it was written; only who approved it, and its end, are added.
CREATE FUNCTION vouchers_agreement_stays() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    RAISE EXCEPTION 'agreement % is not deleted', OLD.number USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF (NEW.id, NEW.organisation_id, NEW.scheme, NEW.fiscal_year, NEW.number, NEW.title, NEW.reference, NEW.cost_fen,
      NEW.rate, NEW.grant_fen, NEW.exception, NEW.made_by_id, NEW.made_at) IS DISTINCT FROM
     (OLD.id, OLD.organisation_id, OLD.scheme, OLD.fiscal_year, OLD.number, OLD.title, OLD.reference, OLD.cost_fen,
      OLD.rate, OLD.grant_fen, OLD.exception, OLD.made_by_id, OLD.made_at)
     OR (OLD.state, NEW.state) NOT IN (('drafted', 'approved_once'), ('drafted', 'in_force'), ('drafted', 'refused'),
                                       ('approved_once', 'in_force'), ('approved_once', 'refused'), ('in_force', 'ended'))
     OR NEW.version <> OLD.version + 1
     OR (OLD.approved_by_id IS NOT NULL
         AND (NEW.approved_by_id, NEW.approved_at) IS DISTINCT FROM (OLD.approved_by_id, OLD.approved_at))
     OR (OLD.second_by_id IS NOT NULL
         AND (NEW.second_by_id, NEW.second_at) IS DISTINCT FROM (OLD.second_by_id, OLD.second_at)) THEN
    RAISE EXCEPTION 'agreement % stays as it was agreed', OLD.number USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF NEW.state = 'in_force' AND NOT (
      vouchers_officer_on(NEW.approved_by_id, 'approver', NEW.approved_at)
      AND (NEW.exception = '' OR vouchers_officer_on(NEW.second_by_id, 'approver', NEW.second_at))
      AND EXISTS (SELECT FROM vouchers_tranche WHERE agreement_id = NEW.id)) THEN
    RAISE EXCEPTION 'agreement % needs its approvers and a tranche', NEW.number
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON vouchers_agreement
  FOR EACH ROW EXECUTE FUNCTION vouchers_agreement_stays();

-- Tranches are written with the draft, never exceed the grant together, and stay.
CREATE FUNCTION vouchers_tranche_within() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE agreed record;
BEGIN
  SELECT * INTO agreed FROM vouchers_agreement WHERE id = NEW.agreement_id FOR UPDATE;
  IF agreed.state <> 'drafted' THEN
    RAISE EXCEPTION 'agreement % has its tranches', agreed.number USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF (SELECT sum(amount_fen) FROM vouchers_tranche WHERE agreement_id = agreed.id) > agreed.grant_fen THEN
    RAISE EXCEPTION 'the tranches of agreement % exceed its grant', agreed.number
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER within AFTER INSERT ON vouchers_tranche FOR EACH ROW EXECUTE FUNCTION vouchers_tranche_within();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON vouchers_tranche
  FOR EACH ROW EXECUTE FUNCTION vouchers_refuse_change();

-- A claim of a tranche is its agreement's, while that is in force, and never more than the tranche.
CREATE FUNCTION vouchers_claim_of_tranche() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE most record;
BEGIN
  IF TG_OP = 'UPDATE' AND NEW.tranche_id IS DISTINCT FROM OLD.tranche_id THEN
    RAISE EXCEPTION 'claim % stays what it is', OLD.id USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  SELECT t.amount_fen, a.state, a.organisation_id, a.scheme INTO most
    FROM vouchers_tranche t JOIN vouchers_agreement a ON a.id = t.agreement_id WHERE t.id = NEW.tranche_id;
  IF TG_OP = 'INSERT' AND (most.state <> 'in_force' OR most.organisation_id <> NEW.organisation_id
      OR most.scheme <> (SELECT scheme FROM vouchers_call WHERE id = NEW.call_id)) THEN
    RAISE EXCEPTION 'claim % is of no agreement in force of its firm and scheme', NEW.number
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF NEW.granted_fen > most.amount_fen THEN
    RAISE EXCEPTION 'claim % exceeds its tranche', NEW.number USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER of_tranche BEFORE INSERT ON vouchers_claim
  FOR EACH ROW WHEN (NEW.tranche_id IS NOT NULL) EXECUTE FUNCTION vouchers_claim_of_tranche();
CREATE TRIGGER of_tranche_still BEFORE UPDATE OF tranche_id, granted_fen ON vouchers_claim
  FOR EACH ROW WHEN (NEW.tranche_id IS NOT NULL OR OLD.tranche_id IS NOT NULL)
  EXECUTE FUNCTION vouchers_claim_of_tranche();
