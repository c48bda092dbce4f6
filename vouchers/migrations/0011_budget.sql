-- The year's money: a step for who accepts part, a lock on closed years, orders that two people sign, settlements.

-- Claims gain two steps and vouchers one: see vouchers/workflow.py.
INSERT INTO vouchers_step (verb, source, target, role, duty) VALUES
  ('accept_part', 'submitted', 'submitted', 'applicant', ''),
  ('accept_part', 'accepted', 'accepted', 'applicant', ''),
  ('accept_part', 'reviewed', 'accepted', 'applicant', ''),
  ('expire', 'submitted', 'lapsed', 'system', ''),
  ('expire', 'returned', 'lapsed', 'system', ''),
  ('expire', 'accepted', 'lapsed', 'system', ''),
  ('expire', 'reviewed', 'lapsed', 'system', '');
ALTER TABLE vouchers_voucherevent DROP CONSTRAINT voucher_event_is_a_step;
ALTER TABLE vouchers_voucherevent ADD CONSTRAINT voucher_event_is_a_step CHECK (
  verb || ' ' || source || ' ' || target || ' ' || role IN (
  'issue applied issued reviewer',
  'refuse applied refused reviewer',
  'expire applied expired system',
  'expire issued expired system',
  'revoke issued revoked approver'));

-- Who takes a turn. Under a call that settles pro rata nothing is held before the settlement, so the claim waits. Under
-- one that takes whoever comes first, nobody files any more once the pool was spent; an appeal is no new filing. Into a
-- closed year nobody comes, who was judged before it was closed neither: the queue's lock was waited for.
CREATE FUNCTION vouchers_claim_takes_turn() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE rule record;
BEGIN
  SELECT shortage, scheme, fiscal_year INTO rule FROM vouchers_call WHERE id = NEW.call_id;
  IF EXISTS (SELECT FROM ledger_closedyear WHERE period = concat_ws(':', rule.scheme, rule.fiscal_year)) THEN
    RAISE EXCEPTION 'year % of % is closed', rule.fiscal_year, rule.scheme USING ERRCODE = 'LG008',
      DETAIL = json_build_object('period', concat_ws(':', rule.scheme, rule.fiscal_year), 'kind', 'hold');
  END IF;
  IF rule.shortage = 'pro_rata' THEN
    NEW.waiting := true;
  ELSIF rule.shortage = 'first_come' AND OLD.state = 'draft' AND EXISTS (
      SELECT FROM vouchers_filingqueue
      WHERE scheme = rule.scheme AND fiscal_year = rule.fiscal_year AND closed_at IS NOT NULL) THEN
    RAISE EXCEPTION 'the filing of % is closed: its pool was spent', rule.fiscal_year
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER takes_turn BEFORE UPDATE ON vouchers_claim FOR EACH ROW
  WHEN (NEW.queue_number IS DISTINCT FROM OLD.queue_number) EXECUTE FUNCTION vouchers_claim_takes_turn();

CREATE TRIGGER stays_closed BEFORE UPDATE ON vouchers_filingqueue FOR EACH ROW
  WHEN (OLD.closed_at IS NOT NULL AND NEW.closed_at IS DISTINCT FROM OLD.closed_at)
  EXECUTE FUNCTION vouchers_queue_goes_on();

-- A closed year. Its pool and caps take part in no transfer any more, but for what the law of close permits: a payment
-- approved in the year is paid, and paid again after the bank returned it (pay, bounce: they touch the claim's own
-- accounts only); what a claim gives back (release) goes on to the treasury (lapse); what is recovered goes straight to
-- the treasury. Nothing is given out of a closed year, and nothing is put into one.
CREATE FUNCTION ledger_year_open() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  periods text[] := ARRAY[
    split_part(NEW.source, ':', 2) || ':' || split_part(NEW.source, ':', 3),
    split_part(NEW.target, ':', 2) || ':' || split_part(NEW.target, ':', 3)];
  one text;
BEGIN
  -- Who closes the year at this moment is waited for. A hold needs no lock of its own: a closed pool is empty.
  IF NEW.kind <> 'hold' AND NOT starts_with(NEW.source, 'statute') THEN
    FOREACH one IN ARRAY periods LOOP
      IF one !~ ':$' THEN PERFORM pg_advisory_xact_lock_shared(hashtextextended(one, 11)); END IF;
    END LOOP;
  END IF;
  SELECT period INTO one FROM ledger_closedyear WHERE period = ANY (periods) LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'ledger: % is closed, % refused', one, NEW.kind USING ERRCODE = 'LG008',
      DETAIL = json_build_object('period', one, 'kind', NEW.kind);
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER ledger_year_open BEFORE INSERT ON ledger_transfer FOR EACH ROW
  WHEN (NEW.kind NOT IN ('pay', 'bounce', 'release', 'lapse')) EXECUTE FUNCTION ledger_year_open();

-- A year is closed by a signed order, once its pool is empty and none of its claims is under way.
CREATE FUNCTION ledger_closes() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(NEW.period, 11));
  IF EXISTS (SELECT FROM ledger_account WHERE key = 'pool:' || NEW.period AND balance_fen <> 0) THEN
    RAISE EXCEPTION 'year % has money left', NEW.period USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF EXISTS (SELECT FROM vouchers_claim c JOIN vouchers_call k ON k.id = c.call_id
             WHERE k.scheme || ':' || k.fiscal_year = NEW.period
               AND c.state IN ('submitted', 'returned', 'accepted', 'reviewed', 'approved_once', 'approved', 'publicised',
                               'suspended', 'payable', 'batched')) THEN
    RAISE EXCEPTION 'year % has claims under way', NEW.period USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF NOT EXISTS (SELECT FROM vouchers_order
                 WHERE id = NEW.order_id AND kind = 'close' AND state = 'signed'
                   AND scheme || ':' || fiscal_year = NEW.period) THEN
    RAISE EXCEPTION 'year % is closed by a signed order alone', NEW.period
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER closes BEFORE INSERT ON ledger_closedyear FOR EACH ROW EXECUTE FUNCTION ledger_closes();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON ledger_closedyear
  FOR EACH ROW EXECUTE FUNCTION vouchers_refuse_change();

-- An order begins prepared by a finance officer. What it asks never changes; its steps go one way, each by whoever may.
CREATE FUNCTION vouchers_order_steps() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  was vouchers_order%ROWTYPE;
  person bigint;
  wanted text;
  day date;
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.state <> 'prepared' OR NEW.outcome <> ''
       OR num_nonnulls(NEW.signed_by_id, NEW.signed_at, NEW.done_at, NEW.event_id) > 0 THEN
      RAISE EXCEPTION 'an order begins prepared' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    person := NEW.prepared_by_id; wanted := 'finance'; day := (NEW.prepared_at AT TIME ZONE 'Asia/Shanghai')::date;
  ELSE
    IF OLD.state || ' ' || NEW.state NOT IN ('prepared signed', 'signed done', 'signed void', 'prepared withdrawn') THEN
      RAISE EXCEPTION 'order % does not go from % to %', OLD.id, OLD.state, NEW.state
        USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    was := OLD;
    was.state := NEW.state;
    CASE NEW.state
      WHEN 'signed' THEN
        was.signed_by_id := NEW.signed_by_id; was.signed_at := NEW.signed_at;
        person := NEW.signed_by_id; day := (NEW.signed_at AT TIME ZONE 'Asia/Shanghai')::date;
        wanted := CASE NEW.kind WHEN 'recover' THEN 'finance' ELSE 'approver' END;
      WHEN 'done' THEN was.done_at := NEW.done_at; was.event_id := NEW.event_id; was.outcome := NEW.outcome;
      ELSE was.done_at := NEW.done_at; was.outcome := NEW.outcome;
    END CASE;
    IF was IS DISTINCT FROM NEW THEN
      RAISE EXCEPTION 'order % stays as it was prepared', OLD.id USING ERRCODE = 'integrity_constraint_violation';
    END IF;
  END IF;
  IF wanted IS NOT NULL AND NOT EXISTS (
      SELECT FROM accounts_officer o JOIN accounts_user u ON u.id = o.user_id AND u.is_active
      WHERE o.user_id = person AND o.role = wanted
        AND o.valid_from <= day AND (o.valid_until IS NULL OR o.valid_until > day)) THEN
    RAISE EXCEPTION 'order %: % is no % on %', NEW.id, person, wanted, day
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER steps BEFORE INSERT OR UPDATE ON vouchers_order
  FOR EACH ROW EXECUTE FUNCTION vouchers_order_steps();

-- At COMMIT an order is done only with the money it asked for: no more, no less, no second time.
CREATE FUNCTION vouchers_order_moved() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE moved bigint;
BEGIN
  SELECT sum(amount_fen) INTO moved FROM ledger_transfer WHERE key = CASE NEW.kind
    WHEN 'recover' THEN 'recover:event:' || NEW.event_id
    WHEN 'close' THEN 'carry:order:' || NEW.id
    ELSE NEW.kind || ':order:' || NEW.id END;
  IF NEW.kind = 'settle' THEN
    SELECT sum(share_fen) INTO moved FROM vouchers_settlementshare WHERE order_id = NEW.id;
  END IF;
  IF coalesce(moved, 0) <> abs(NEW.amount_fen) THEN
    RAISE EXCEPTION 'order % asked for %, and % moved', NEW.id, NEW.amount_fen, moved
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER moved AFTER UPDATE ON vouchers_order DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (NEW.state = 'done') EXECUTE FUNCTION vouchers_order_moved();

-- A share is written while its settlement is being carried out, and stays.
CREATE FUNCTION vouchers_share_of_signed() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM (SELECT DISTINCT order_id FROM added) AS a
             LEFT JOIN vouchers_order o ON o.id = a.order_id AND o.kind = 'settle' AND o.state = 'signed'
             WHERE o.id IS NULL) THEN
    RAISE EXCEPTION 'shares belong to a signed settlement' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER of_signed AFTER INSERT ON vouchers_settlementshare
  REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION vouchers_share_of_signed();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON vouchers_settlementshare
  FOR EACH ROW EXECUTE FUNCTION vouchers_refuse_change();

REVOKE ALL ON FUNCTION vouchers_claim_takes_turn, ledger_year_open, ledger_closes, vouchers_order_steps,
  vouchers_order_moved, vouchers_share_of_signed FROM PUBLIC;
