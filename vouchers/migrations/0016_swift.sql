-- As in 0010, but the events are asked for only by a claim's own key: an OR had let the planner read all of them into a
-- hash table at each COMMIT.
CREATE OR REPLACE FUNCTION vouchers_claim_follows_event() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  now_is record;
BEGIN
  SELECT state, version INTO now_is FROM vouchers_claim WHERE id = NEW.id;
  IF now_is.version = 0 AND now_is.state = 'draft' THEN
    RETURN NULL;
  END IF;
  IF NOT EXISTS (SELECT FROM vouchers_claimevent
                 WHERE claim_id = NEW.id AND version = now_is.version AND target = now_is.state) THEN
    RAISE EXCEPTION 'claim % is % without the event that led there', NEW.id, NEW.state
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
