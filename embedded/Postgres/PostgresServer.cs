using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
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
    private const string Superuser = "postgres";
    private const int KeptLines = 20;

    /// <summary>Attempts to start on a free port: another process can take it between its choice and the start.</summary>
    private const int PortAttempts = 5;

    private readonly PostgresServerOptions _options;
    private readonly ILogger _logger;
    private readonly CommandRunner _runner;
    private readonly PostgresBinaries _binaries;
    private readonly FileStream _clusterLock;
    private readonly Watchdog? _watchdog;
    private readonly ConcurrentQueue<string> _lastLines = new();
    private Process? _launcher;

    private PostgresServer(
        PostgresServerOptions options, ILogger logger, CommandRunner runner, PostgresBinaries binaries, string dataDirectory, FileStream clusterLock)
    {
        _options = options;
        _logger = logger;
        _runner = runner;
        _binaries = binaries;
        _clusterLock = clusterLock;
        DataDirectory = dataDirectory;
        _watchdog = Watchdog.Start(binaries, dataDirectory, options.Throwaway, runner);
    }

    /// <summary>The cluster folder in use; not the wanted one when that was out of reach.</summary>
    public string DataDirectory { get; }

    /// <summary>The TCP port on 127.0.0.1; it stays the same over a restart.</summary>
    public int Port { get; private set; }

    /// <summary>The server's process id; 0 when it does not run.</summary>
    public int ProcessId { get; private set; }

    /// <summary>Ends when the server that was started last has no process left, for whatever reason.</summary>
    public Task Exited { get; private set; } = Task.CompletedTask;

    /// <summary>The last lines that the server wrote.</summary>
    public IReadOnlyCollection<string> LastLines => _lastLines;

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

        var runner = new CommandRunner(await UnprivilegedUser.FindAsync(cancellationToken));
        var folder = await ClusterFolder.PrepareAsync(options.DataDirectory, runner, logger, cancellationToken);
        var clusterLock = Lock(folder);
        try
        {
            if (options.Throwaway && runner.User is { } user)
            {
                // The watchdog, which is that user, removes it with the cluster.
                await new CommandRunner(null).RunAsync("chown", [user.Name, clusterLock.Name], cancellationToken: cancellationToken);
            }

            var binaries = await new PostgresBinaryFinder(runner, logger)
                .FindAsync(options.BinDirectory, ClusterFolder.MajorVersion(folder), cancellationToken);
            logger.ChoseBinaries(binaries.Version, binaries.BinDirectory, binaries.Why, runner.User?.Name ?? Environment.UserName);

            if (ClusterFolder.MajorVersion(folder) is null)
            {
                await MakeClusterAsync(folder, options, runner, binaries, cancellationToken);
                logger.MadeCluster(folder);
            }

            var server = new PostgresServer(options, logger, runner, binaries, folder, clusterLock);
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
        catch
        {
            await clusterLock.DisposeAsync();
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
            Port = chosen != 0 ? chosen : FreePort();
            EnsurePortIsFree();
            WriteSettings();
            var started = await LaunchAsync(cancellationToken);
            if (started)
            {
                break;
            }

            var portWasTaken = chosen == 0 && attempt < PortAttempts && _lastLines.Any(line => line.Contains("in use", StringComparison.Ordinal));
            if (!portWasTaken)
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
        var stop = await PgCtlStopAsync(mode, CancellationToken.None);
        if (stop.ExitCode != 0 && !Exited.IsCompleted)
        {
            _logger.StopFailed(stop.Output.Trim());
            await PgCtlStopAsync(PostgresStopMode.Immediate, CancellationToken.None);
        }

        await Exited;
        await SayToWatchdogAsync(dog => dog.StoppedAsync());
        ProcessId = 0;
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
        if (_watchdog is not null)
        {
            await _watchdog.DisposeAsync();
        }

        _launcher?.Dispose();
        if (_options.Throwaway && Directory.Exists(DataDirectory))
        {
            Directory.Delete(DataDirectory, recursive: true);
            File.Delete(_clusterLock.Name);
        }

        await _clusterLock.DisposeAsync();
    }

    /// <summary>The system lets go of the lock when the process ends, however it ends.</summary>
    private static FileStream Lock(string folder)
    {
        try
        {
            return new FileStream(folder + ".lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException exception)
        {
            throw new PostgresSetupException($"Another process runs the cluster '{folder}'. Stop that one first, or set Postgres:DataDirectory.", exception);
        }
    }

    /// <summary>Makes the cluster beside its place, then moves it: one that was interrupted is never taken for complete.</summary>
    private static async Task MakeClusterAsync(
        string folder, PostgresServerOptions options, CommandRunner runner, PostgresBinaries binaries, CancellationToken cancellationToken)
    {
        var unfinished = folder + ".unfinished";
        if (Directory.Exists(unfinished))
        {
            Directory.Delete(unfinished, recursive: true);
        }

        await ClusterFolder.MakeAsync(unfinished, runner, cancellationToken);
        var passwordFile = await WritePasswordFileAsync(options.Password, runner, cancellationToken);
        try
        {
            string[] arguments =
            [
                "--pgdata", unfinished, "--username", Superuser, "--pwfile", passwordFile, "--auth", "scram-sha-256", "--encoding", "UTF8",
                .. options.Durable ? (string[])[] : ["--no-sync"],
            ];

            // Code point order everywhere. Versions from 17 bring C.UTF-8 themselves; before, the system has it or not.
            string[][] locales = binaries.Major >= 17
                ? [["--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"]]
                : [["--locale", "C.UTF-8"], ["--locale", "C"]];
            CommandResult made = new(0, "");
            foreach (var locale in locales)
            {
                made = await runner.RunAsync(binaries.InitDb, [.. arguments, .. locale], cancellationToken: cancellationToken);
                if (made.ExitCode == 0)
                {
                    break;
                }
            }

            if (made.ExitCode != 0)
            {
                throw new PostgresSetupException($"initdb could not make the cluster '{folder}'. It said:{Environment.NewLine}{made.Output.Trim()}");
            }
        }
        finally
        {
            File.Delete(passwordFile);
        }

        await File.AppendAllTextAsync(Path.Combine(unfinished, "postgresql.conf"), $"\ninclude '{SettingsFile}'\n", cancellationToken);
        Directory.Delete(folder);
        Directory.Move(unfinished, folder);
    }

    private static async Task<string> WritePasswordFileAsync(string password, CommandRunner runner, CancellationToken cancellationToken)
    {
        // Made with mode 0600. Not in the user's own TMPDIR, which another user may not reach.
        var directory = runner.User is null ? Path.GetTempPath() : "/tmp";
        var file = Path.Combine(directory, Path.GetRandomFileName());
        var create = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            create.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        await using (var writer = new StreamWriter(file, create))
        {
            await writer.WriteLineAsync(password.AsMemory(), cancellationToken);
        }

        if (runner.User is { } user)
        {
            await new CommandRunner(null).RunAsync("chown", [user.Name, file], cancellationToken: cancellationToken);
        }

        return file;
    }

    private const string SettingsFile = "llmaspire.conf";

    /// <summary>Written at each start; the user's own settings belong into postgresql.conf.</summary>
    private void WriteSettings()
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
        var file = Path.Combine(DataDirectory, SettingsFile);
        File.WriteAllText(file, settings);
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
        _lastLines.Clear();
        _launcher?.Dispose();
        await SayToWatchdogAsync(dog => dog.StartingAsync());
        _launcher = Process.Start(_runner.StartInfo(_binaries.PgCtl, ["start", "-s", "-w", "-t", "120", "-D", DataDirectory]))!;
        _launcher.StandardInput.Close();
        Exited = Task.WhenAll(ForwardAsync(_launcher.StandardOutput), ForwardAsync(_launcher.StandardError));
        await _launcher.WaitForExitAsync(cancellationToken);

        ProcessId = _launcher.ExitCode == 0 ? ReadProcessId() : 0;
        await SayToWatchdogAsync(dog => ProcessId == 0 ? dog.StoppedAsync() : dog.GuardAsync(ProcessId));
        if (ProcessId == 0)
        {
            await Exited;
        }

        return ProcessId != 0;
    }

    private async Task ForwardAsync(StreamReader output)
    {
        while (await output.ReadLineAsync(CancellationToken.None) is { } line)
        {
            _lastLines.Enqueue(line);
            while (_lastLines.Count > KeptLines)
            {
                _lastLines.TryDequeue(out _);
            }

            _logger.ServerSaid(line);
        }
    }

    /// <summary>Stops a server that an earlier owner left behind. No owner is alive: this one holds the lock.</summary>
    private async Task StopLeftoverAsync(CancellationToken cancellationToken)
    {
        var status = await _runner.RunAsync(_binaries.PgCtl, ["status", "-D", DataDirectory], cancellationToken: cancellationToken);
        if (status.ExitCode != 0)
        {
            return;
        }

        _logger.StoppingLeftover(ReadProcessId(), DataDirectory);
        var stop = await PgCtlStopAsync(PostgresStopMode.Fast, cancellationToken);
        if (stop.ExitCode != 0 && await _runner.SucceedsAsync(_binaries.PgCtl, ["status", "-D", DataDirectory], cancellationToken))
        {
            throw new PostgresSetupException($"A server left behind in '{DataDirectory}' does not stop: {stop.Output.Trim()}");
        }
    }

    private Task<CommandResult> PgCtlStopAsync(PostgresStopMode mode, CancellationToken cancellationToken) => _runner.RunAsync(
        _binaries.PgCtl,
        ["stop", "-w", "-t", "30", "-D", DataDirectory, "-m", mode == PostgresStopMode.Fast ? "fast" : "immediate"],
        cancellationToken: cancellationToken);

    /// <summary>The first line of <c>postmaster.pid</c>.</summary>
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
        var single = await _runner.RunAsync(
            _binaries.Postgres,
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

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private void EnsurePortIsFree()
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, Port);
            listener.Start();
        }
        catch (SocketException exception)
        {
            throw new PostgresSetupException(
                $"Port {Port} on 127.0.0.1 is taken by another program. Stop that one, or set Postgres:Port to another port (0: a free one).", exception);
        }
    }

    private async Task SayToWatchdogAsync(Func<Watchdog, Task> say)
    {
        if (_watchdog is null)
        {
            return;
        }

        try
        {
            await say(_watchdog);
        }
        catch (IOException exception)
        {
            _logger.WatchdogGone(exception.Message);
        }
    }

    internal string TextOfLastLines() => string.Join(Environment.NewLine, _lastLines);
}
