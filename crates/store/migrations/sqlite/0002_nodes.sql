-- Nodes share a database on PostgreSQL only: a file is one node's. The step stands here so that both databases count alike.
SELECT 1;
