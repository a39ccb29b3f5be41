/* What the started program and the installer's own one have to agree about. */

#define PYTHON L"python311.dll"
#define END_EVENT L"Global\\NoMoreRunning-end-%lu" /* and the process id: whoever sets it wants the agent to end */
#define NAME_LENGTH 64
