"""Where levers keep what they know: in process, in files, in Redis, in Memcached."""
