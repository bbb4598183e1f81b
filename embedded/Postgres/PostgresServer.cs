using System.Globalization;
using Npgsql;

namespace LlmAspire.EmbeddedPostgres;

/// <summary>How a server is stopped; see PostgreSQL's <c>pg_ctl stop --mode</c>.</summary>
public enum PostgresStopMode
{
    /// <summary>Open transactions are rolled back, everything is written.</summary>
    Fast,

    /// <summary>As after a crash: the next start recovers.</summary>
    Immediate,
}

/// <summary>
/// A PostgreSQL server of one's own on 127.0.0.1: makes its cluster when there is none, and stops with its owner, even
/// when the owner is killed. Its members are not to be called concurrently, <see cref="ConnectionString"/> and
/// <see cref="Exited"/> apart.
/// </summary>
public sealed class PostgresServer : IAsyncDisposable
{
    internal const string Superuser = "postgres";

    /// <summary>Attempts to start on a free port: another process can take it between its choice and the start.</summary>
    private const int PortAttempts = 5;

    /// <summary>Seconds for a start. It may have to recover from a crash first, however long that takes.</summary>
    private const string StartTimeout = "86400";

    private static readonly TimeSpan StopInterval = TimeSpan.FromMilliseconds(200);

    private readonly PostgresServerOptions _options;
    private readonly ILogger _logger;
    private readonly OwnedCluster _cluster;
    private readonly ServerOutput _output;

    private PostgresServer(PostgresServerOptions options, ILogger logger, OwnedCluster cluster)
    {
        _options = options;
        _logger = logger;
        _cluster = cluster;
        _output = new ServerOutput(logger);
    }

    /// <summary>The cluster folder in use; not the wanted one when that was out of reach.</summary>
    public string DataDirectory => _cluster.Folder.Path;

    /// <summary>The TCP port on 127.0.0.1; it stays the same over a restart.</summary>
    public int Port { get; private set; }

    /// <summary>The server's process id; 0 when it does not run.</summary>
    public int ProcessId { get; private set; }

    /// <summary>Ends when the server that was started last has no process left, for whatever reason.</summary>
    public Task Exited { get; private set; } = Task.CompletedTask;

    /// <summary>The last lines that the server wrote.</summary>
    public IReadOnlyCollection<string> LastLines => _output.LastLines;

    /// <summary>As the superuser, to the database <c>postgres</c>.</summary>
    public string ConnectionString => ConnectionStringFor("postgres");

    /// <summary>As the superuser, to <paramref name="database"/>.</summary>
    public string ConnectionStringFor(string database) => new NpgsqlConnectionStringBuilder
    {
        Host = "127.0.0.1",
        Port = Port,
        Username = Superuser,
        Password = _options.Password,
        Database = database,
    }.ConnectionString;

    /// <summary>Makes the cluster if there is none, and starts the server.</summary>
    /// <exception cref="PostgresSetupException">When the user has to do something first; the message says what.</exception>
    public static async Task<PostgresServer> StartAsync(PostgresServerOptions options, ILogger logger, CancellationToken cancellationToken = default)
    {
        if (options.DataDirectory.Length == 0)
        {
            throw new PostgresSetupException("Set Postgres:DataDirectory to the folder of the cluster.");
        }

        if (options.Password.Length == 0 || options.Password.AsSpan().ContainsAny('\r', '\n', '\0'))
        {
            throw new PostgresSetupException("Set Postgres:Password to the superuser's password: one line, not empty.");
        }

        var server = new PostgresServer(options, logger, await OwnedCluster.OpenAsync(options, logger, cancellationToken));
        try
        {
            await server.StopLeftoverAsync(cancellationToken);
            await server.StartAsync(cancellationToken);
            await server.TakePasswordAsync(cancellationToken);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts the server again after <see cref="StopAsync"/>, on the same port.</summary>
    /// <exception cref="PostgresSetupException">When it did not start; the message holds its last lines.</exception>
    public async Task StartAsync(CancellationToken cancellationToken = default)
    {
        var chosen = Port != 0 ? Port : _options.Port;
        for (var attempt = 1; ; attempt++)
        {
            Port = chosen != 0 ? chosen : LoopbackPort.Find();
            var mayTryAnother = chosen == 0 && attempt < PortAttempts;
            if (await LoopbackPort.FindListenerAsync(Port, cancellationToken) is { } listener)
            {
                if (mayTryAnother)
                {
                    continue;
                }

                throw new PostgresSetupException(
                    $"Port {Port} on {listener.Address} is taken by another program. Stop that one, or set Postgres:Port to another port (0: a free one).");
            }

            await WriteSettingsAsync(cancellationToken);
            if (await LaunchAsync(cancellationToken))
            {
                break;
            }

            if (!mayTryAnother || !LastLines.Any(line => line.Contains("in use", StringComparison.Ordinal)))
            {
                throw new PostgresSetupException($"PostgreSQL did not start in '{DataDirectory}'. It said:{Environment.NewLine}{TextOfLastLines()}");
            }
        }

        _logger.Started(Port, ProcessId, DataDirectory);
    }

    /// <summary>Stops the server. Does nothing when it does not run.</summary>
    public async Task StopAsync(PostgresStopMode mode = PostgresStopMode.Fast)
    {
        if (ProcessId == 0)
        {
            return;
        }

        // Not to be cancelled: a caller in a hurry would leave the server behind.
        _output.Stopping = true;
        var stop = await PgCtlStopAsync(mode, CancellationToken.None);
        if (stop.ExitCode != 0 && !Exited.IsCompleted)
        {
            _logger.StopFailed(stop.Output.Trim());
            await PgCtlStopAsync(PostgresStopMode.Immediate, CancellationToken.None);
        }

        await Exited;
        ProcessId = 0;
        _logger.Stopped();
    }

    /// <summary>Stops and starts the server; the port and the data stay.</summary>
    public async Task RestartAsync(PostgresStopMode mode = PostgresStopMode.Fast, CancellationToken cancellationToken = default)
    {
        await StopAsync(mode);
        await StartAsync(cancellationToken);
    }

    /// <summary>Creates <paramref name="name"/> unless it is there, or another process is creating it.</summary>
    public async Task EnsureDatabaseAsync(string name, CancellationToken cancellationToken = default)
    {
        await using var source = NpgsqlDataSource.Create(ConnectionString);
        await using var exists = source.CreateCommand("SELECT 1 FROM pg_database WHERE datname = $1");
        exists.Parameters.Add(new NpgsqlParameter<string> { TypedValue = name });
        if (await exists.ExecuteScalarAsync(cancellationToken) is not null)
        {
            return;
        }

        try
        {
            await using var create = source.CreateCommand($"CREATE DATABASE {new NpgsqlCommandBuilder().QuoteIdentifier(name)}");
            await create.ExecuteNonQueryAsync(cancellationToken);
            _logger.CreatedDatabase(name);
        }
        catch (PostgresException exception) when (exception.SqlState is PostgresErrorCodes.DuplicateDatabase or PostgresErrorCodes.UniqueViolation)
        {
            // A service that starts at the same time created it first.
        }
    }

    /// <summary>Stops the server and, if it is thrown away, deletes its cluster.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync(_options.Throwaway ? PostgresStopMode.Immediate : PostgresStopMode.Fast);
        await _cluster.DisposeAsync();
    }

    internal string TextOfLastLines() => _output.Text;

    /// <summary>Written at each start; the user's own settings belong into postgresql.conf.</summary>
    private async Task WriteSettingsAsync(CancellationToken cancellationToken)
    {
        var settings = $"""
            # Written at each start. Own settings go into postgresql.conf, below its line that includes this file.
            listen_addresses = '127.0.0.1'
            port = {Port.ToString(CultureInfo.InvariantCulture)}
            unix_socket_directories = ''
            max_connections = {_options.MaxConnections.ToString(CultureInfo.InvariantCulture)}
            password_encryption = 'scram-sha-256'
            timezone = 'UTC'
            log_timezone = 'UTC'
            fsync = {(_options.Durable ? "on" : "off")}
            full_page_writes = {(_options.Durable ? "on" : "off")}

            """;
        var file = Path.Combine(DataDirectory, ClusterMaker.SettingsFile);
        await File.WriteAllTextAsync(file, settings, cancellationToken);
        if (!OperatingSystem.IsWindows())
        {
            // Readable for the user that PostgreSQL runs as, whatever the umask; the folder is closed to others.
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        }
    }

    /// <summary>
    /// Starts the server through <c>pg_ctl</c>, which gives it a session of its own: Ctrl+C in a terminal does not reach it
    /// before its clients. It inherits pg_ctl's standard output, whose end therefore says that its last process is gone.
    /// </summary>
    private async Task<bool> LaunchAsync(CancellationToken cancellationToken)
    {
        using var launcher = await _cluster.Guard.LaunchAsync(_cluster.Binaries.PgCtl, ["start", "-s", "-w", "-t", StartTimeout, "-D", DataDirectory]);
        Exited = _output.ForwardAsync(launcher);
        try
        {
            await launcher.WaitForExitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // To its end in any case: it may be about to start the server, which would then stay.
            while (!launcher.HasExited)
            {
                await PgCtlStopAsync(PostgresStopMode.Immediate, CancellationToken.None);
                await Task.WhenAny(launcher.WaitForExitAsync(CancellationToken.None), Task.Delay(StopInterval, CancellationToken.None));
            }
        }

        ProcessId = launcher.ExitCode == 0 ? ReadProcessId() : 0;
        await _cluster.Guard.LaunchEndedAsync();
        if (ProcessId == 0)
        {
            // pg_ctl may have been ended before the server.
            await PgCtlStopAsync(PostgresStopMode.Immediate, CancellationToken.None);
            await Exited;
        }

        cancellationToken.ThrowIfCancellationRequested();
        return ProcessId != 0;
    }

    /// <summary>Stops a server that an earlier owner left behind. No owner is alive: this one holds the lock.</summary>
    private async Task StopLeftoverAsync(CancellationToken cancellationToken)
    {
        if (!await PgCtlFindsServerAsync(cancellationToken))
        {
            return;
        }

        _logger.StoppingLeftover(ReadProcessId(), DataDirectory);
        var stop = await PgCtlStopAsync(PostgresStopMode.Fast, cancellationToken);
        if (stop.ExitCode != 0 && await PgCtlFindsServerAsync(cancellationToken))
        {
            throw new PostgresSetupException($"A server left behind in '{DataDirectory}' does not stop: {stop.Output.Trim()}");
        }
    }

    private Task<bool> PgCtlFindsServerAsync(CancellationToken cancellationToken) =>
        _cluster.Runner.SucceedsAsync(_cluster.Binaries.PgCtl, ["status", "-D", DataDirectory], cancellationToken);

    private Task<CommandResult> PgCtlStopAsync(PostgresStopMode mode, CancellationToken cancellationToken) => _cluster.Runner.RunAsync(
        _cluster.Binaries.PgCtl,
        ["stop", "-w", "-t", "30", "-D", DataDirectory, "-m", mode == PostgresStopMode.Fast ? "fast" : "immediate"],
        cancellationToken: cancellationToken);

    /// <summary>The first line of <c>postmaster.pid</c>; 0 when the server has ended.</summary>
    private int ReadProcessId()
    {
        try
        {
            return int.Parse(File.ReadLines(Path.Combine(DataDirectory, "postmaster.pid")).First(), CultureInfo.InvariantCulture);
        }
        catch (FileNotFoundException)
        {
            return 0;
        }
    }

    /// <summary>Gives the cluster the password, if it has another one: in single-user mode, which asks for none.</summary>
    private async Task TakePasswordAsync(CancellationToken cancellationToken)
    {
        if (await PasswordFitsAsync(cancellationToken))
        {
            return;
        }

        _logger.ChangingPassword(DataDirectory);
        await StopAsync();
        var quoted = _options.Password.Replace("'", "''", StringComparison.Ordinal);
        var single = await _cluster.Runner.RunAsync(
            _cluster.Binaries.Postgres,
            ["--single", "-D", DataDirectory, "postgres"],
            $"SET standard_conforming_strings = on\nALTER ROLE {Superuser} PASSWORD '{quoted}'\n",
            cancellationToken);
        await StartAsync(cancellationToken);
        if (!await PasswordFitsAsync(cancellationToken))
        {
            throw new PostgresSetupException(
                $"The cluster '{DataDirectory}' has another password, and it could not be changed. PostgreSQL said:{Environment.NewLine}{single.Output.Trim()}");
        }
    }

    private async Task<bool> PasswordFitsAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(ConnectionString) { Pooling = false }.ConnectionString);
            await connection.OpenAsync(cancellationToken);
            return true;
        }
        catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.InvalidPassword)
        {
            return false;
        }
    }
}
