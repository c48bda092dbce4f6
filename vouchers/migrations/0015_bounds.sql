-- Bounds that only the rules and the services kept: an order of two people behind whatever changes a year's money, and
-- caps over several years together and of a contract.

-- Money comes into a year's books, leaves them, is corrected there or recovered for them by what the bureau decided
-- and nothing else: the published call appropriates, an order that two people made does the rest. Looked at when the
-- transaction commits, because an order is done only after its money moved. What a claim gives back to a closed year
-- goes on to the treasury without one (vouchers/review/consequences.py). Books that belong to no call and no claim hold
-- nobody's money.
CREATE FUNCTION ledger_by_order() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  account text := CASE WHEN NEW.source IN ('treasury', 'statute') THEN NEW.target ELSE NEW.source END;
  scheme_code text := split_part(account, ':', 2);
  year text := split_part(account, ':', 3);
  cause text := substr(NEW.key, length(NEW.kind) + 2);
BEGIN
  IF NEW.kind = 'recover' THEN
    -- Of a payment, the second part of the account's key is its claim.
    IF NOT EXISTS (SELECT FROM vouchers_claim
                   WHERE id = CASE WHEN scheme_code ~ '^[0-9]{1,18}$' THEN scheme_code::bigint END)
      OR EXISTS (
        SELECT FROM vouchers_order o JOIN vouchers_claimevent e ON e.id = o.event_id
        WHERE o.kind = 'recover' AND o.state = 'done' AND o.amount_fen = NEW.amount_fen
          AND NEW.original = 'pay:payment:' || o.payment_id
          AND e.verb = 'recover' AND cause = 'event:' || e.id AND account = 'paid:' || e.claim_id) THEN
      RETURN NULL;
    END IF;
  ELSIF NOT EXISTS (
      SELECT FROM vouchers_call WHERE scheme = scheme_code AND fiscal_year::text = year
      UNION ALL
      SELECT FROM vouchers_call WHERE NEW.kind = 'carry' AND scheme = split_part(NEW.target, ':', 2)
        AND fiscal_year::text = split_part(NEW.target, ':', 3)) THEN
    RETURN NULL;
  ELSIF NEW.kind = 'fund' THEN
    IF cause = concat_ws(':', 'appropriation', scheme_code, year) AND EXISTS (
        SELECT FROM vouchers_call WHERE scheme = scheme_code AND fiscal_year::text = year
          AND published_at IS NOT NULL AND appropriation_fen = NEW.amount_fen) THEN
      RETURN NULL;
    END IF;
  ELSIF EXISTS (
      SELECT FROM vouchers_order o
      WHERE cause = 'order:' || o.id AND o.state = 'done' AND o.scheme = scheme_code AND o.fiscal_year::text = year
        AND CASE NEW.kind
            WHEN 'top_up' THEN o.kind = 'top_up' AND o.amount_fen = NEW.amount_fen AND o.citation = NEW.note
            WHEN 'adjust' THEN o.kind = 'adjust' AND o.reason = NEW.reason
              AND o.amount_fen = CASE account WHEN NEW.target THEN NEW.amount_fen ELSE -NEW.amount_fen END
              AND account = CASE WHEN o.organisation_id IS NULL THEN concat_ws(':', 'pool', scheme_code, year)
                            ELSE concat_ws(':', 'cap', scheme_code, year, o.organisation_id) END
            WHEN 'carry' THEN o.kind = 'close' AND o.amount_fen = NEW.amount_fen
              AND NEW.target = concat_ws(':', 'pool', scheme_code, o.to_year)
            WHEN 'lapse' THEN o.kind = 'close' END)
    OR NEW.kind = 'lapse' AND EXISTS (
      SELECT FROM ledger_transfer r JOIN ledger_closedyear y ON r.target = 'pool:' || y.period
      WHERE r.key = 'release:' || cause AND r.target = NEW.source AND r.amount_fen = NEW.amount_fen) THEN
    RETURN NULL;
  END IF;
  RAISE EXCEPTION 'ledger: % moves % of % without a signed order', NEW.key, NEW.amount_fen, account
    USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_transfer_by_order';
END $$;
CREATE CONSTRAINT TRIGGER by_order AFTER INSERT ON ledger_transfer DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
  WHEN (NEW.kind NOT IN ('hold', 'release', 'pay', 'bounce') AND NOT starts_with(NEW.source, 'capused:')
        AND (NEW.kind <> 'fund' OR NEW.source = 'treasury'))
  EXECUTE FUNCTION ledger_by_order();

-- The lines of a stored decision that name a contract: what counted of each, and what it was worth.
CREATE FUNCTION vouchers_contract_lines(result jsonb)
RETURNS TABLE (contract text, contract_fen bigint, base_fen bigint, worth_fen bigint) LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT line ->> 'contract', max((line ->> 'contract_fen')::bigint), sum((came ->> 'base_fen')::bigint)::bigint,
         sum((came ->> 'subsidy_fen')::bigint)::bigint
  FROM jsonb_array_elements(result #> '{facts,lines}') AS line
  JOIN jsonb_array_elements(result #> '{decision,lines}') AS came ON came ->> 'ref' = line ->> 'ref'
  WHERE coalesce(line ->> 'contract', '') <> '' GROUP BY line ->> 'contract'
$$;

-- What the live claims of the applicant other than this one were granted in the scheme, in whichever year, and what
-- they had of each contract.
CREATE FUNCTION vouchers_other_claims(claim bigint) RETURNS SETOF vouchers_claim LANGUAGE sql STABLE
SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT theirs.* FROM vouchers_claim mine JOIN vouchers_call k ON k.id = mine.call_id
  JOIN vouchers_claim theirs ON theirs.organisation_id = mine.organisation_id AND theirs.id <> mine.id
  JOIN vouchers_call other ON other.id = theirs.call_id AND other.scheme = k.scheme
  WHERE mine.id = claim AND theirs.state NOT IN ('draft', 'recovered', 'rejected', 'withdrawn', 'lapsed', 'discarded')
$$;

-- A decision that grants more than the one before stays within what several years together, and each contract, leave.
-- Claims of one applicant are counted one at a time, under a lock that lasts until the transaction ends; whoever decides
-- takes it before (vouchers/review/bounds.py). A call that has no such cap asks nothing.
CREATE FUNCTION vouchers_decision_within_bounds() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  mine record;
  used_fen bigint;
  room record;
BEGIN
  IF NEW.granted_fen <= (SELECT granted_fen FROM vouchers_decision
                         WHERE claim_id = NEW.claim_id AND id < NEW.id ORDER BY id DESC LIMIT 1)
    AND NOT EXISTS (SELECT FROM vouchers_claimevent WHERE id = NEW.event_id AND verb = 'appeal') THEN
    RETURN NULL;
  END IF;
  SELECT c.organisation_id, k.scheme, k.years_cap_fen, k.contract_cap_fen, k.within_contract INTO mine
    FROM vouchers_claim c JOIN vouchers_call k ON k.id = c.call_id WHERE c.id = NEW.claim_id;
  PERFORM pg_advisory_xact_lock(hashtextextended(concat_ws(':', mine.scheme, mine.organisation_id), 15));
  SELECT coalesce(sum(granted_fen), 0) INTO used_fen FROM vouchers_other_claims(NEW.claim_id);
  IF mine.years_cap_fen IS NOT NULL AND NEW.granted_fen > greatest(mine.years_cap_fen - used_fen, 0) THEN
    RAISE EXCEPTION 'claim %: % fen beside % exceed what several years may have together', NEW.claim_id, NEW.granted_fen,
      used_fen USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'decision_within_years_cap';
  END IF;
  IF mine.within_contract OR mine.contract_cap_fen IS NOT NULL THEN
    SELECT coalesce(sum(least(asked.worth_fen, greatest(mine.contract_cap_fen - coalesce(used.worth_fen, 0), 0))), 0) AS fen,
           bool_or(asked.base_fen > greatest(asked.contract_fen - coalesce(used.base_fen, 0), 0)) AS over INTO room
      FROM vouchers_contract_lines(NEW.result) AS asked
      LEFT JOIN (
        SELECT had.contract, sum(had.base_fen) AS base_fen, sum(had.worth_fen) AS worth_fen
        FROM vouchers_other_claims(NEW.claim_id) AS other,
          LATERAL (SELECT result FROM vouchers_decision WHERE claim_id = other.id ORDER BY id DESC LIMIT 1) AS latest,
          LATERAL vouchers_contract_lines(latest.result) AS had
        GROUP BY had.contract) AS used USING (contract);
    IF mine.contract_cap_fen IS NOT NULL AND NEW.granted_fen > room.fen OR mine.within_contract AND room.over THEN
      RAISE EXCEPTION 'claim %: % fen exceed what its contracts leave', NEW.claim_id, NEW.granted_fen
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'decision_within_contracts';
    END IF;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER within_bounds AFTER INSERT ON vouchers_decision FOR EACH ROW
  WHEN ((NEW.result #>> '{terms,years_cap_fen}') IS NOT NULL OR (NEW.result #>> '{terms,contract_cap_fen}') IS NOT NULL
        OR (NEW.result #>> '{terms,within_contract}') IS NOT NULL)
  EXECUTE FUNCTION vouchers_decision_within_bounds();

REVOKE ALL ON FUNCTION ledger_by_order, vouchers_decision_within_bounds FROM PUBLIC;
