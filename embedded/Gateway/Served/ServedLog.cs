using System.Text.Json;
using LlmAspire.DemoGateway.Contract;
using Microsoft.Win32.SafeHandles;

namespace LlmAspire.DemoGateway.Served;

/// <summary>
/// The append-only record of what was served, one JSON line an event. Each line is one write to the operating system
/// before the token goes out, with no buffer of our own: it survives a SIGKILL of this process (not a loss of power), and never
/// says less than any client has seen. Safe to use from any thread.
/// </summary>
internal sealed class ServedLog : IDisposable
{
    private readonly TimeProvider _time;
    private readonly SafeFileHandle _file;
    private readonly SafeFileHandle _guard;
    private readonly Lock _lock = new();
    private long _length;

    /// <summary>Continues the file at <paramref name="path"/>, or begins it.</summary>
    /// <exception cref="StartupException">It cannot be written, or another gateway writes it.</exception>
    public ServedLog(string path, TimeProvider time)
    {
        _time = time;
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            // Two gateways would overwrite each other's lines. The guard is a file of its own, so that the record stays readable
            // while it is written; the operating system lets go of it when this process dies.
            _guard = File.OpenHandle(path + ".lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            _file = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new StartupException(
                $"The record of served calls cannot be written: {exception.Message} Stop the other gateway, or set Gateway:ServedPath (environment: Gateway__ServedPath).",
                exception);
        }

        _length = RandomAccess.GetLength(_file);
        CloseTornLine();
    }

    /// <summary>Records that a call was accepted; to be called before anything is sent.</summary>
    public ServedMeter Accept(ServedCallHead head)
    {
        var now = _time.GetUtcNow();
        var id = Guid.CreateVersion7(now);
        Append(new ServedEvent(id, now, head));
        return new ServedMeter(this, id);
    }

    public void Append(ServedEvent line)
    {
        if (line.Outcome is not null)
        {
            line = line with { At = _time.GetUtcNow() };
        }

        byte[] utf8 = [.. JsonSerializer.SerializeToUtf8Bytes(line, GatewayJson.Wire.ServedEvent), (byte)'\n'];
        lock (_lock)
        {
            RandomAccess.Write(_file, utf8, _length);
            _length += utf8.Length;
        }
    }

    /// <summary>Bytes of whole lines so far.</summary>
    public long Length
    {
        get
        {
            lock (_lock)
            {
                return _length;
            }
        }
    }

    /// <summary>Reads the file from <paramref name="offset"/>, also while it is being written.</summary>
    public ValueTask<int> ReadAsync(Memory<byte> buffer, long offset, CancellationToken cancellationToken) =>
        RandomAccess.ReadAsync(_file, buffer, offset, cancellationToken);

    public void Dispose()
    {
        _file.Dispose();
        _guard.Dispose();
    }

    /// <summary>A full disk or a loss of power can leave half a line at the end: the next line must not be glued to it.</summary>
    private void CloseTornLine()
    {
        Span<byte> last = stackalloc byte[1];
        if (_length > 0 && RandomAccess.Read(_file, last, _length - 1) == 1 && last[0] != (byte)'\n')
        {
            RandomAccess.Write(_file, "\n"u8, _length);
            _length++;
        }
    }
}
