using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace LlmAspire.EmbeddedPostgres.Tests;

public sealed class PostgresServerTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private PostgresServerOptions Options => new() { DataDirectory = _folder.Cluster, Password = "secret", Durable = false };

    private static Task<PostgresServer> StartAsync(PostgresServerOptions options) =>
        PostgresServer.StartAsync(options, NullLogger.Instance, TestContext.Current.CancellationToken);

    [Fact]
    public async Task two_runs_in_a_row_keep_the_data()
    {
        await using (var first = await StartAsync(Options))
        {
            await ExecuteAsync(first.ConnectionString, "CREATE TABLE kept AS SELECT 42 AS answer");
        }

        await using var second = await StartAsync(Options);
        Assert.Equal(42, await ExecuteAsync(second.ConnectionString, "SELECT answer FROM kept"));
    }

    [Fact]
    public async Task a_restart_keeps_the_port_and_what_was_committed()
    {
        await using var server = await StartAsync(Options);
        var port = server.Port;
        await ExecuteAsync(server.ConnectionString, "CREATE TABLE kept AS SELECT 42 AS answer");

        await server.RestartAsync(PostgresStopMode.Immediate, TestContext.Current.CancellationToken);

        Assert.Equal(port, server.Port);
        Assert.Equal(42, await ExecuteAsync(server.ConnectionString, "SELECT answer FROM kept"));
    }

    [Fact]
    public async Task a_cluster_is_utf8_in_code_point_order_and_asks_for_its_password()
    {
        await using var server = await StartAsync(Options);

        Assert.Equal("UTF8", await ExecuteAsync(server.ConnectionString, "SHOW server_encoding"));
        Assert.Equal(true, await ExecuteAsync(server.ConnectionString, "SELECT 'Z' < 'a' AND 'z' < 'ä'"));
        var wrong = new NpgsqlConnectionStringBuilder(server.ConnectionString) { Password = "guess", Pooling = false };
        var refused = await Assert.ThrowsAsync<PostgresException>(() => ExecuteAsync(wrong.ConnectionString, "SELECT 1"));
        Assert.Equal(PostgresErrorCodes.InvalidPassword, refused.SqlState);
    }

    [Fact]
    public async Task a_cluster_with_another_password_is_given_the_present_one()
    {
        await using (await StartAsync(Options))
        {
        }

        await using var server = await StartAsync(Options with { Password = @"it's \ new" });

        Assert.Equal(1, await ExecuteAsync(server.ConnectionString, "SELECT 1"));
    }

    [Fact]
    public async Task a_database_is_created_once_whoever_asks()
    {
        await using var server = await StartAsync(Options);

        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => server.EnsureDatabaseAsync("my \"llm\"", TestContext.Current.CancellationToken)));

        Assert.Equal("my \"llm\"", await ExecuteAsync(server.ConnectionStringFor("my \"llm\""), "SELECT current_database()"));
    }

    [Fact]
    public async Task a_throw_away_cluster_is_deleted()
    {
        await using (await StartAsync(Options with { Throwaway = true }))
        {
            Assert.True(Directory.Exists(_folder.Cluster));
        }

        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.GetDirectoryName(_folder.Cluster)!));
    }

    [Fact]
    public async Task a_server_left_behind_is_replaced()
    {
        await using (await StartAsync(Options))
        {
        }

        var runner = new CommandRunner(await UnprivilegedUser.FindAsync(TestContext.Current.CancellationToken));
        var binaries = await new PostgresBinaryFinder(runner, NullLogger.Instance).FindAsync(null, null, TestContext.Current.CancellationToken);
        var leftover = await runner.RunAsync(
            binaries.PgCtl,
            ["start", "-w", "-D", _folder.Cluster, "-l", Path.Combine(_folder.Cluster, "log")],
            cancellationToken: TestContext.Current.CancellationToken);
        Assert.True(leftover.ExitCode == 0, leftover.Output);

        await using var server = await StartAsync(Options);

        Assert.Equal(1, await ExecuteAsync(server.ConnectionString, "SELECT 1"));
    }

    [Fact]
    public async Task a_cluster_that_another_process_runs_is_left_alone()
    {
        await using var first = await StartAsync(Options);

        var refused = await Assert.ThrowsAsync<PostgresSetupException>(() => StartAsync(Options));

        Assert.StartsWith("Another process runs the cluster", refused.Message, StringComparison.Ordinal);
        Assert.Equal(1, await ExecuteAsync(first.ConnectionString, "SELECT 1"));
    }

    [Fact]
    public async Task an_interrupted_initdb_is_begun_anew()
    {
        Directory.CreateDirectory(_folder.Cluster + ".unfinished");
        await File.WriteAllTextAsync(Path.Combine(_folder.Cluster + ".unfinished", "PG_VERSION"), "15", TestContext.Current.CancellationToken);

        await using var server = await StartAsync(Options);

        Assert.Equal(1, await ExecuteAsync(server.ConnectionString, "SELECT 1"));
    }

    [Theory]
    [InlineData("127.0.0.1", "127.0.0.1")]
    [InlineData("0.0.0.0", "127.0.0.1")]
    [InlineData("::", "127.0.0.1")]
    [InlineData("::1", "::1")]
    public async Task a_taken_port_is_named_with_its_remedy(string address, string named)
    {
        using var other = new Socket(IPAddress.Parse(address).AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        if (address == "::")
        {
            other.DualMode = true;
        }

        other.Bind(new IPEndPoint(IPAddress.Parse(address), 0));
        other.Listen();
        var port = ((IPEndPoint)other.LocalEndPoint!).Port;

        var refused = await Assert.ThrowsAsync<PostgresSetupException>(() => StartAsync(Options with { Port = port }));

        Assert.StartsWith($"Port {port} on {named} is taken by another program.", refused.Message, StringComparison.Ordinal);
        Assert.Contains("Postgres:Port", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task what_is_there_already_is_not_thrown_away()
    {
        await using (await StartAsync(Options))
        {
        }

        var refused = await Assert.ThrowsAsync<PostgresSetupException>(() => StartAsync(Options with { Throwaway = true }));

        Assert.Contains($"'{_folder.Cluster}' is there already", refused.Message, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(_folder.Cluster, "PG_VERSION")));
    }

    [Fact]
    public async Task a_folder_that_cannot_be_made_is_said_in_one_line()
    {
        // Below a file: not even root can make that.
        await File.WriteAllTextAsync(Path.Combine(_folder.Path, ".data"), "", TestContext.Current.CancellationToken);

        var refused = await Assert.ThrowsAsync<PostgresSetupException>(() => StartAsync(Options));

        Assert.StartsWith($"The cluster folder '{_folder.Cluster}' cannot be made: ", refused.Message, StringComparison.Ordinal);
        Assert.Single(refused.Message.Split('\n'));
    }

    [Fact]
    public async Task a_folder_with_other_things_is_not_touched()
    {
        Directory.CreateDirectory(_folder.Cluster);
        await File.WriteAllTextAsync(Path.Combine(_folder.Cluster, "letter.txt"), "dear", TestContext.Current.CancellationToken);

        var refused = await Assert.ThrowsAsync<PostgresSetupException>(() => StartAsync(Options));

        Assert.Contains("Postgres:DataDirectory", refused.Message, StringComparison.Ordinal);
        Assert.Equal(["letter.txt"], Directory.EnumerateFileSystemEntries(_folder.Cluster).Select(Path.GetFileName));
    }

    [Fact]
    public async Task a_cluster_of_another_version_says_which_to_install()
    {
        await using (await StartAsync(Options))
        {
        }

        await File.WriteAllTextAsync(Path.Combine(_folder.Cluster, "PG_VERSION"), "9\n", TestContext.Current.CancellationToken);

        var refused = await Assert.ThrowsAsync<PostgresSetupException>(() => StartAsync(Options));

        Assert.StartsWith("The cluster was made by PostgreSQL 9", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task below_a_folder_that_only_root_may_enter_the_cluster_lives_elsewhere_and_keeps_its_data()
    {
        if (OperatingSystem.IsWindows() || !Environment.IsPrivilegedProcess)
        {
            Assert.Skip("only root has this trouble");
            return;
        }

        File.SetUnixFileMode(_folder.Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(_folder.Cluster)))[..16];
        var instead = Path.Combine(ClusterFolder.ReachableParent, hash);
        try
        {
            await using (var first = await StartAsync(Options))
            {
                Assert.Equal(instead, first.DataDirectory);
                await ExecuteAsync(first.ConnectionString, "CREATE TABLE kept AS SELECT 42 AS answer");
            }

            await using var second = await StartAsync(Options);
            Assert.Equal(42, await ExecuteAsync(second.ConnectionString, "SELECT answer FROM kept"));
        }
        finally
        {
            Directory.Delete(instead, recursive: true);
            File.Delete(instead + ".lock");
        }
    }

    private static async Task<object?> ExecuteAsync(string connectionString, string sql)
    {
        await using var source = NpgsqlDataSource.Create(connectionString);
        await using var command = source.CreateCommand(sql);
        return await command.ExecuteScalarAsync(TestContext.Current.CancellationToken);
    }
}
