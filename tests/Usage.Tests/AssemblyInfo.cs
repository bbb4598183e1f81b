using LlmAspire.TestPostgres;

[assembly: AssemblyFixture(typeof(PostgresFixture))]
