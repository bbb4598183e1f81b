namespace Aspire.Hosting.ApplicationModel;

/// <summary>A part of the application: a project, an executable, a parameter, a connection string.</summary>
public interface IResource
{
    /// <summary>Its name, unique in the application.</summary>
    string Name { get; }

    /// <summary>What is known about it.</summary>
    ResourceAnnotationCollection Annotations { get; }
}

/// <summary>A resource that takes environment variables.</summary>
public interface IResourceWithEnvironment : IResource;

/// <summary>A resource that takes arguments.</summary>
public interface IResourceWithArgs : IResource;

/// <summary>A resource that listens.</summary>
public interface IResourceWithEndpoints : IResource;

/// <summary>A resource whose endpoints are found by its name.</summary>
public interface IResourceWithServiceDiscovery : IResourceWithEndpoints;

/// <summary>A resource that can wait for others.</summary>
public interface IResourceWithWaitSupport : IResource;
