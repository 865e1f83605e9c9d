from countersign_client import Operator

with Operator() as bob:
    for event in bob.stream():
        if event.event in ("opened", "lagged"):  # from here on nothing is missed; what was before has to be listed
            waiting = {request.id for request in bob.approvals("pending")}
            print(f"{len(waiting)} wait")
        else:
            print(event.id, event.event, event.tool, event.status)
        if event.event == "approval_decided":
            break
