-- The chain. An entry is inserted plain and linked when its transaction commits, so the row that says
-- where the chain ends is locked last of all and only for a moment.

-- One row, changed by every commit: keep few dead versions of it.
ALTER TABLE audit_chainhead SET (fillfactor = 10);

-- Runs as the owner: the runtime role writes neither links nor the head. One UPDATE locks the head, reads it and moves
-- it: after a wait for the lock it computes with the row as it then is, and it reads no other row, so no older snapshot
-- can slip in. audit/chain.py hashes the same in Python.
CREATE FUNCTION audit_link() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
  at_micros text := (extract(epoch FROM NEW.at) * 1000000)::bigint;
  recorded_micros text := (extract(epoch FROM NEW.recorded_at) * 1000000)::bigint;
  detail text := NEW.detail;
  told text := concat(
    length(NEW.id::text), ':', NEW.id, length(at_micros), ':', at_micros, length(recorded_micros), ':', recorded_micros,
    octet_length(NEW.actor), ':', NEW.actor, octet_length(NEW.action), ':', NEW.action,
    octet_length(NEW.subject), ':', NEW.subject, '1:', NEW.ok, octet_length(detail), ':', detail,
    octet_length(NEW.request_id), ':', NEW.request_id, octet_length(NEW.ip), ':', NEW.ip);
BEGIN
  WITH link AS (
    UPDATE audit_chainhead AS head
      SET seq = head.seq + 1, prev_hash = head.hash, hash = sha256(convert_to(concat('13:audit-entry/16:sha256',
        length((head.seq + 1)::text), ':', head.seq + 1, '64:', encode(head.hash, 'hex'), told), 'UTF8'))
      WHERE id = 1 RETURNING *)
  INSERT INTO audit_chainlink (seq, entry_id, prev_hash, hash, algorithm)
    SELECT seq, NEW.id, prev_hash, hash, 'sha256' FROM link;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the audit chain has lost its head' USING ERRCODE = 'AU001';
  END IF;
  RETURN NULL;
END $$;

-- The time of recording is the database's, whatever the runtime role says. (The owner's functions know the time.)
CREATE FUNCTION audit_stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT has_table_privilege('public.audit_chainlink', 'INSERT') THEN
    NEW.recorded_at := clock_timestamp();
  END IF;
  RETURN NEW;
END $$;

-- What was written here stays, even for the owner.
CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the audit trail is never changed: % on % refused', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'AU002';
END $$;

REVOKE ALL ON FUNCTION audit_link, audit_stamp, audit_refuse FROM PUBLIC;

CREATE TRIGGER audit_stamp BEFORE INSERT ON audit_auditentry
  FOR EACH ROW EXECUTE FUNCTION audit_stamp();
CREATE CONSTRAINT TRIGGER audit_link AFTER INSERT ON audit_auditentry
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION audit_link();
CREATE TRIGGER audit_refuse BEFORE UPDATE OR DELETE ON audit_auditentry
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_refuse BEFORE UPDATE OR DELETE ON audit_chainlink
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_refuse BEFORE DELETE ON audit_chainhead
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
