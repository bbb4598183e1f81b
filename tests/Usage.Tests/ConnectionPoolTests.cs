using Npgsql;

namespace LlmAspire.Usage.Tests;

public sealed class ConnectionPoolTests
{
    [Fact]
    public void a_pool_leaves_connections_to_other_processes()
    {
        var pooled = Of("Host=db;Database=llm;Password='a;b'");

        Assert.Equal(ConnectionPool.CallsSize, pooled.MaxPoolSize);
        Assert.True(pooled.NoResetOnClose);
        Assert.Equal("db", pooled.Host);
        Assert.Equal("a;b", pooled.Password);
    }

    [Theory]
    [InlineData("Host=db;Maximum Pool Size=100;No Reset On Close=false", 100, false)]
    [InlineData("Host=db;maximum pool size=7", 7, true)]
    [InlineData("Host=db;no reset on close=false", ConnectionPool.CallsSize, false)]
    public void what_the_connection_string_says_counts(string connectionString, int size, bool isReused) =>
        Assert.Equal((size, isReused), (Of(connectionString).MaxPoolSize, Of(connectionString).NoResetOnClose));

    [Fact]
    public void none_stays_none() => Assert.Null(ConnectionPool.WithDefaults(null));

    private static NpgsqlConnectionStringBuilder Of(string connectionString) => new(ConnectionPool.WithDefaults(connectionString));
}
