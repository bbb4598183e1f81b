using LlmAspire.TestPostgres;
using Npgsql;

namespace LlmAspire.EmbeddedPostgres.Tests;

public class PostgresFixtureTests
{
    [Fact]
    public async Task each_database_is_empty_and_has_a_name_of_its_own()
    {
        await using var fixture = new PostgresFixture();
        var one = await fixture.CreateDatabaseAsync();
        var two = await fixture.CreateDatabaseAsync();
        Assert.NotEqual(one, two);
        await using var source = NpgsqlDataSource.Create(one);
        await using var command = source.CreateCommand("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace");
        Assert.Equal(0L, await command.ExecuteScalarAsync(TestContext.Current.CancellationToken));
    }
}
