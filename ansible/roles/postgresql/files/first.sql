-- Roles and databases of a new primary.  Nobody has a password: machines have
-- certificates, and the operator is the user postgres of the machine.

CREATE ROLE bisik LOGIN;
CREATE DATABASE bisik OWNER bisik TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8';
REVOKE ALL ON DATABASE bisik FROM PUBLIC;
REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC;
-- To see whether the replica is there, before something is acknowledged.
GRANT pg_read_all_stats TO bisik;

-- The other member: copies, follows and rewinds, but is no superuser here.
CREATE ROLE repmgr LOGIN REPLICATION;
CREATE DATABASE repmgr OWNER repmgr TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8';
REVOKE ALL ON DATABASE repmgr FROM PUBLIC;
GRANT pg_read_all_stats, pg_read_all_settings, pg_checkpoint TO repmgr;
-- A machine that comes back as the replica ends the time without one.
GRANT ALTER SYSTEM ON PARAMETER synchronous_standby_names TO repmgr;

\connect repmgr
CREATE EXTENSION repmgr;
GRANT USAGE, CREATE ON SCHEMA repmgr TO repmgr;
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA repmgr TO repmgr;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA repmgr TO repmgr;
GRANT EXECUTE ON FUNCTION pg_reload_conf() TO repmgr;
-- What pg_rewind reads (its documentation lists them).
GRANT EXECUTE ON FUNCTION
    pg_ls_dir(text, boolean, boolean),
    pg_stat_file(text, boolean),
    pg_read_binary_file(text),
    pg_read_binary_file(text, bigint, bigint, boolean)
TO repmgr;
