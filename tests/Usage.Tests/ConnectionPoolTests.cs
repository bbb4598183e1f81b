using Npgsql;

namespace LlmAspire.Usage.Tests;

public sealed class ConnectionPoolTests
{
    [Fact]
    public void a_pool_leaves_connections_to_other_processes()
    {
        var bounded = new NpgsqlConnectionStringBuilder(ConnectionPool.Bound("Host=db;Database=llm;Password='a;b'"));

        Assert.Equal(ConnectionPool.UsualSize, bounded.MaxPoolSize);
        Assert.Equal("db", bounded.Host);
        Assert.Equal("a;b", bounded.Password);
    }

    [Theory]
    [InlineData("Host=db;Maximum Pool Size=100")]
    [InlineData("Host=db;max pool size=7")]
    [InlineData("Host=db;MaxPoolSize=100")]
    public void what_the_connection_string_says_counts(string connectionString) => Assert.Equal(connectionString, ConnectionPool.Bound(connectionString));

    [Fact]
    public void none_stays_none() => Assert.Null(ConnectionPool.Bound(null));
}
