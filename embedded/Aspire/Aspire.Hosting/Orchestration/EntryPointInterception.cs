using System.Reflection;

namespace Aspire.Hosting.Orchestration;

/// <summary>Lets a test run the entry point of an AppHost and take over its builder.</summary>
internal sealed class EntryPointInterception(Assembly entryPoint)
{
    private static readonly AsyncLocal<EntryPointInterception?> Ambient = new();

    private readonly TaskCompletionSource<DistributedApplicationBuilder> _builder = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<DistributedApplication> _application = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _mayBuild = new();
    private volatile bool _abandoned;

    public static EntryPointInterception? Current => Ambient.Value;

    public Assembly EntryPoint => entryPoint;

    /// <summary>Runs the entry point on a thread of its own until it has described its resources and asks to build.</summary>
    public Task<DistributedApplicationBuilder> RunToBuildAsync(string[] args)
    {
        var thread = new Thread(() =>
        {
            Ambient.Value = this;
            try
            {
                var main = entryPoint.EntryPoint ?? throw new DistributedApplicationException($"{entryPoint.GetName().Name} has no entry point.");
                var result = main.Invoke(null, main.GetParameters().Length == 0 ? [] : [args]);
                (result as Task)?.GetAwaiter().GetResult();
                Fail(new DistributedApplicationException($"The entry point of {entryPoint.GetName().Name} ended without building the application."));
            }
            catch (TargetInvocationException exception) when (exception.InnerException is BuiltException)
            {
                // The test has the application; the entry point must not run it too.
            }
            catch (TargetInvocationException exception)
            {
                Fail(exception.InnerException!);
            }
        })
        {
            IsBackground = true,
            Name = "AppHost entry point",
        };
        thread.Start();

        return _builder.Task;
    }

    /// <summary>Lets the entry point build, and takes the application.</summary>
    public Task<DistributedApplication> BuildAsync()
    {
        _mayBuild.TrySetResult();
        return _application.Task;
    }

    /// <summary>The test has no use for the application: the entry point ends where it stands.</summary>
    public void Abandon()
    {
        _abandoned = true;
        _mayBuild.TrySetResult();
    }

    public void OnBuilderCreated(DistributedApplicationBuilder builder) => Builder = builder;

    public void OnBuilding()
    {
        _builder.TrySetResult(Builder!);
        _mayBuild.Task.Wait();
        if (_abandoned && !_application.Task.IsCompleted)
        {
            throw new BuiltException();
        }
    }

    public void OnBuilt(DistributedApplication application)
    {
        _application.SetResult(application);
        throw new BuiltException();
    }

    private DistributedApplicationBuilder? Builder { get; set; }

    private void Fail(Exception exception)
    {
        _builder.TrySetException(exception);
        _application.TrySetException(exception);
    }

    private sealed class BuiltException : Exception;
}
